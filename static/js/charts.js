// Charts with ECharts as SVG: pace, histogram, history, bars. Data come from a JSON block, colours from the tokens.
import * as echarts from "echarts/core";
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import {
  GraphicComponent,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  MarkPointComponent,
  TooltipComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  BarChart,
  CustomChart,
  LineChart,
  ScatterChart,
  GraphicComponent,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  MarkPointComponent,
  TooltipComponent,
  SVGRenderer,
]);

const FONT = "Inter, system-ui, sans-serif";
const SIZE = 11.5;

// A hidden element resolves light-dark() to the colour that is in force where the chart stands.
const tokensOf = (place) => {
  const probe = document.createElement("span");
  probe.hidden = true;
  place.append(probe);
  const read = (name) => {
    probe.className = `token-${name}`;
    probe.style.setProperty("color", `var(--${name})`);
    return getComputedStyle(probe).color;
  };
  const names = [
    "ink",
    "ink-2",
    "ink-3",
    "line",
    "accent",
    "band",
    "compare",
    "data",
    "data-late",
    "s-missed",
    "surface",
  ];
  const tokens = Object.fromEntries(names.map((name) => [name, read(name)]));
  probe.remove();
  return tokens;
};

const base = (t) => ({ animation: false, textStyle: { fontFamily: FONT, fontSize: SIZE, color: t["ink-3"] } });
const label = (color, extra = {}) => ({ show: true, color, fontSize: SIZE, fontFamily: FONT, ...extra });
const line = (t, data, extra = {}) => ({
  type: "line",
  data,
  symbol: "none",
  silent: true,
  lineStyle: { color: t.accent, width: 2 },
  ...extra,
});
const hiddenLine = (data, stack) => ({
  type: "line",
  data,
  stack,
  symbol: "none",
  silent: true,
  lineStyle: { width: 0 },
});
const point = (at, words) => ({ value: at, label: words });
const xAxis = (t, extra) => ({
  type: "value",
  axisLine: { lineStyle: { color: t.line } },
  axisTick: { show: false },
  splitLine: { show: false },
  ...extra,
  axisLabel: { color: t["ink-3"], ...extra.axisLabel },
});
const yAxis = (t, extra) => ({
  type: "value",
  axisLine: { show: false },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: t.line } },
  ...extra,
  axisLabel: {
    color: t["ink-3"],
    formatter: (value) => (extra.interval && value % extra.interval ? "" : value), // ends that are no tick stay blank
    ...extra.axisLabel,
  },
});
const ticks = (marks) => {
  const words = Object.fromEntries(marks);
  return (value) => words[value] ?? "";
};

// Cumulative line in the promised band, by working day; the other period grey, what is expected dashed.
const pace = (data, t, width) => {
  const { days, today, promise, actual, expected, compare, words } = data;
  // An open promise needs room above its lower end for the band to be seen.
  const isOpen = promise && promise.high == null;
  const top = isOpen ? Math.max(data.top, Math.ceil((promise.low * 1.2) / data.step) * data.step) : data.top;
  const last = actual.at(-1);
  const high = promise && (promise.high ?? top);
  const series = [];
  if (promise) {
    series.push(
      hiddenLine(
        [
          [0, 0],
          [days, promise.low],
        ],
        "promise",
      ),
      {
        ...hiddenLine(
          [
            [0, 0],
            [days, high - promise.low],
          ],
          "promise",
        ),
        areaStyle: { color: t.band, opacity: 0.75 },
      },
    );
  }
  if (compare) {
    const isNarrow = width < 420;
    const middle = compare.points[Math.floor(compare.points.length * (isNarrow ? 0.62 : 0.75))];
    series.push(
      line(t, compare.points, {
        lineStyle: { color: t.compare, width: 1.25 },
        markPoint: {
          symbol: "circle",
          symbolSize: 1,
          itemStyle: { color: t.compare },
          silent: true,
          data: [{ coord: middle }],
          label: label(t["ink-3"], {
            position: "bottom",
            distance: isNarrow ? 30 : 12,
            offset: [isNarrow ? 44 : 26, 0],
            formatter: compare.label,
          }),
        },
      }),
    );
  }
  if (expected) {
    if (expected.low != null && expected.high != null) {
      series.push(hiddenLine([last, [days, expected.low]], "likely"), {
        ...hiddenLine(
          [
            [last[0], 0],
            [days, expected.high - expected.low],
          ],
          "likely",
        ),
        areaStyle: { color: t.accent, opacity: 0.28 },
      });
    }
    series.push(
      line(t, [last, [days, expected.value]], {
        lineStyle: { color: t.accent, width: 1.75, type: [4, 4] },
        endLabel: label(t.accent, { formatter: words.expected, fontWeight: 600, distance: 8 }),
      }),
    );
  }
  series.push(
    line(t, actual, {
      lineStyle: { color: t.accent, width: 2.5 },
      markLine: {
        silent: true,
        symbol: "none",
        lineStyle: { color: t.line, type: "solid", width: 1 },
        label: { show: false },
        data: [{ xAxis: today }],
      },
    }),
  );
  series.push({
    type: "scatter",
    symbolSize: 9,
    silent: true,
    z: 6,
    itemStyle: { color: t.accent, borderColor: t.surface, borderWidth: 2, opacity: 1 },
    data: [
      point(
        last,
        label(t.ink, {
          position: today > days * 0.2 ? "left" : "right",
          distance: 8,
          offset: [0, -8],
          fontWeight: 650,
          fontSize: 13,
          formatter: words.today,
        }),
      ),
    ],
  });
  if (promise) {
    // The three words at the right end keep their distance from each other.
    // A label that would touch that of the expected value stands on its own side of it.
    const aside = (value, otherwise) => {
      if (!expected || Math.abs(value - expected.value) >= top * 0.09) return otherwise;
      return expected.value >= value ? 14 : -12;
    };
    const marks = [
      point(
        [days, promise.low],
        label(t["ink-2"], {
          position: "right",
          distance: 8,
          offset: [0, aside(promise.low, 4)],
          formatter: words.low,
        }),
      ),
    ];
    if (promise.high != null) {
      marks.push(
        point(
          [days, promise.high],
          label(t["ink-2"], {
            position: "right",
            distance: 8,
            offset: [0, aside(promise.high, 0)],
            formatter: words.high,
          }),
        ),
      );
    }
    series.push({ type: "scatter", symbolSize: 0, silent: true, data: marks });
  }
  return {
    ...base(t),
    grid: { left: 38, right: width < 420 ? 92 : 116, top: 14, bottom: 26 },
    xAxis: xAxis(t, {
      min: 0,
      max: days,
      interval: 1,
      axisLabel: { interval: 0, formatter: ticks(data.marks), hideOverlap: true },
    }),
    yAxis: yAxis(t, { min: 0, max: top, interval: data.step }),
    series,
  };
};

// How many answers took how long; the due time as a line, late ones in their colour, figures on the bars.
const histogram = (data, t, width) => {
  const { bins, due, words } = data;
  const end = bins.at(-1).to;
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const grid = { left: 14, right: 14, top: 48, bottom: 38 };
  const dueX = grid.left + ((width - grid.left - grid.right) * due) / end;
  const text = (x, y, words_, color, weight, size, anchor = "left") => ({
    type: "text",
    silent: true,
    style: {
      x,
      y,
      text: words_,
      fill: color,
      font: `${weight} ${size}px ${FONT}`,
      textAlign: anchor,
      textVerticalAlign: "top",
    },
  });
  const lateAnchor = dueX > width * 0.72 ? "right" : "left";
  const detailFits = words.in_time_detail.length * 5.7 < dueX - 24;
  const lateX = lateAnchor === "right" ? width - grid.right : dueX + 8;
  return {
    ...base(t),
    grid,
    xAxis: xAxis(t, {
      min: 0,
      max: end,
      interval: data.step,
      name: words.axis,
      nameLocation: "middle",
      nameGap: 24,
      nameTextStyle: { color: t["ink-3"], fontSize: SIZE },
      axisLabel: { interval: 0, formatter: ticks(data.marks), hideOverlap: true },
    }),
    yAxis: { type: "value", show: false, max: most * 1.1 },
    series: [
      {
        type: "custom",
        silent: true,
        data: bins.map((bin) => [bin.from, bin.count, bin.to]),
        renderItem: (_, api) => {
          const [from, count, to] = [api.value(0), api.value(1), api.value(2)];
          if (!count) return null;
          const [left, topY] = api.coord([from, count]);
          const [right, bottom] = api.coord([to, 0]);
          return {
            type: "group",
            children: [
              {
                type: "rect",
                shape: { x: left + 1, y: topY, width: right - left - 2, height: bottom - topY, r: [3, 3, 0, 0] },
                style: { fill: from >= due ? t["data-late"] : t.data },
              },
              {
                type: "text",
                style: {
                  text: String(count),
                  x: (left + right) / 2,
                  y: topY - 4,
                  textAlign: "center",
                  textVerticalAlign: "bottom",
                  fill: t["ink-3"],
                  font: `500 11px ${FONT}`,
                },
              },
            ],
          };
        },
        markLine: {
          silent: true,
          symbol: "none",
          data: [{ xAxis: due }],
          lineStyle: { color: t.ink, width: 1.5, type: "solid" },
          label: { show: false },
        },
      },
    ],
    graphic: [
      text(16, 6, words.in_time, t.accent, 650, 13),
      ...(detailFits ? [text(16, 25, words.in_time_detail, t["ink-3"], 400, SIZE)] : []),
      text(lateX, 6, words.late, t["s-missed"], 650, 13, lateAnchor),
      text(lateX, 25, words.late_detail, t.ink, 500, SIZE, lateAnchor),
    ],
  };
};

// A line over time with the line to reach, marked events, and what happens if nothing new does (dashed).
const history = (data, t) => ({
  ...base(t),
  grid: { left: 36, right: 24, top: 18, bottom: 24 },
  xAxis: xAxis(t, {
    min: 0,
    max: data.days,
    interval: 1,
    axisLabel: { interval: 0, formatter: ticks(data.marks), hideOverlap: true },
  }),
  yAxis: yAxis(t, { min: data.bottom, max: data.top, interval: data.step, splitLine: { show: false } }),
  series: [
    line(t, data.past, {
      markLine:
        data.threshold == null
          ? undefined
          : {
              silent: true,
              symbol: "none",
              data: [{ yAxis: data.threshold }],
              lineStyle: { color: t.ink, width: 1.5, type: "solid" },
              label: label(t["ink-3"], { position: "insideStartBottom", formatter: data.words.threshold }),
            },
    }),
    line(t, data.next ?? [], { lineStyle: { color: t.accent, width: 1.75, type: [4, 4] } }),
    {
      type: "scatter",
      symbolSize: 7,
      silent: true,
      itemStyle: { color: t.accent, borderColor: t.surface, borderWidth: 1.5 },
      data: data.events.map((event) =>
        point(
          event.at,
          label(event.is_end ? t.ink : t["ink-3"], {
            position: event.is_below ? "bottom" : "top",
            distance: 7,
            formatter: event.label,
          }),
        ),
      ),
    },
  ],
});

// Bars per period, the promise as a band behind them.
const bars = (data, t, width) => ({
  ...base(t),
  grid: { left: 34, right: 50, top: 10, bottom: 24 },
  xAxis: {
    type: "category",
    data: data.labels,
    axisLine: { lineStyle: { color: t.line } },
    axisTick: { show: false },
    axisLabel: { color: t["ink-3"], interval: 0, hideOverlap: true },
  },
  yAxis: yAxis(t, { min: 0, max: data.top, interval: data.step }),
  series: [
    {
      type: "bar",
      data: data.values,
      barWidth: "58%",
      silent: true,
      z: 3,
      itemStyle: { color: t.data, borderRadius: [2, 2, 0, 0] },
      markArea: data.band && {
        silent: true,
        itemStyle: { color: t.band },
        label: { show: false },
        data: [[{ yAxis: data.band[0] }, { yAxis: data.band[1] }]],
      },
    },
    {
      type: "scatter",
      symbolSize: 0,
      silent: true,
      data: (data.band ?? []).map((value) =>
        point(
          [data.labels.length - 1, value],
          label(t["ink-2"], {
            position: "right",
            distance: (width - 84) / data.labels.length / 2 + 6,
            formatter: String(value),
          }),
        ),
      ),
    },
  ],
});

const KINDS = { pace, histogram, history, bars };
const drawn = new Map();

const paint = (place) => {
  const { chart, data, kind } = drawn.get(place);
  chart.setOption(KINDS[kind](data, tokensOf(place.parentElement), place.clientWidth), { notMerge: true });
};

export const draw = (place) => {
  const kind = place.dataset.chart;
  const block = document.getElementById(place.dataset.from);
  if (!KINDS[kind] || !block || drawn.has(place)) return;
  place.replaceChildren();
  const chart = echarts.init(place, null, { renderer: "svg" });
  drawn.set(place, { chart, kind, data: JSON.parse(block.textContent) });
  paint(place);
  new ResizeObserver(() => {
    if (!place.isConnected) return drawn.delete(place);
    chart.resize();
    return paint(place);
  }).observe(place);
};

document.addEventListener("leadsla:theme", () => {
  for (const [place, { chart }] of drawn) {
    if (place.isConnected) paint(place);
    else {
      chart.dispose();
      drawn.delete(place);
    }
  }
});

// Paper is light: draw with the light tokens while printing, and as before afterwards.
let before;
addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.bsTheme;
  document.documentElement.dataset.bsTheme = "light";
  for (const place of drawn.keys()) if (place.isConnected) paint(place);
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.bsTheme = before;
  for (const place of drawn.keys()) if (place.isConnected) paint(place);
});
