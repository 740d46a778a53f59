// The week of a calendar as half hours to paint, by mouse, finger and keyboard. The text fields stay the truth: the
// grid reads them, and writes them back. Without this script they work alone.
import { within } from "./words.js";

const DAY = 1440;
const WEEK = 7 * DAY;
const STEP = 30;

const two = (number) => String(number).padStart(2, "0");
const clock = (minute) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;

const minuteOf = (text) => {
  const match = /^\s*(\d{1,2})(?:[:.]?(\d{2}))?\s*h?\s*$/.exec(text);
  if (!match) return null;
  const minute = Number(match[1]) * 60 + Number(match[2] || 0);
  return minute <= DAY && Number(match[2] || 0) < 60 ? minute : null;
};

// Windows of a day as minutes since Monday's midnight; null where the text is none (the server says why).
const windowsOf = (text, day) => {
  const windows = [];
  for (const part of text.split(/[,;]|\band\b/)) {
    if (!part.trim() || /^\s*closed\s*$/i.test(part)) continue;
    const ends = part.split(/[–—−-]/).map(minuteOf);
    if (ends.length !== 2 || ends.includes(null)) return null;
    const [start, end] = ends;
    if (start === end) return null;
    windows.push([day * DAY + start, day * DAY + (end > start ? end : end + DAY)]);
  }
  return windows;
};

// A window longer than a day is written day by day.
const split = ([start, end]) => {
  if (end - start < DAY) return [[start, end]];
  const parts = [];
  for (let from = start; from < end;) {
    const to = Math.min(end, (Math.floor(from / DAY) + 1) * DAY);
    parts.push([from, to]);
    from = to;
  }
  return parts;
};

const opened = (windows, [start, end]) => {
  let [from, to] = [start, end];
  const others = [];
  for (const [one, other] of windows) {
    // Windows of neighbouring days that only touch at midnight stay two.
    const atMidnight = (other === from && from % DAY === 0) || (one === to && to % DAY === 0);
    const touches = one <= to && other >= from && !atMidnight;
    if (touches) [from, to] = [Math.min(from, one), Math.max(to, other)];
    else others.push([one, other]);
  }
  return [...others, ...split([from, to])];
};

const closed = (windows, [start, end]) =>
  windows.flatMap(([one, other]) => [
    ...(one < start ? [[one, Math.min(other, start)]] : []),
    ...(other > end ? [[Math.max(one, end), other]] : []),
  ]).filter(([one, other]) => other > one);

class WeekGrid {
  constructor(place) {
    this.place = place;
    this.fields = [...place.closest("[data-week]").querySelectorAll("[data-day]")];
    this.cells = [];
    this.brush = null;
    this.draw();
    this.read();
    for (const field of this.fields) field.addEventListener("input", () => this.read());
    place.hidden = false;
  }

  draw() {
    const grid = document.createElement("div");
    grid.className = "week-grid";
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-multiselectable", "true");
    grid.setAttribute("aria-label", this.place.dataset.label);
    const names = this.fields.map((field) => field.labels[0].textContent.trim());
    const head = this.row(grid);
    head.append(this.cell("columnheader", ""));
    for (const name of names) {
      const day = this.cell("columnheader", name.slice(0, 2));
      day.setAttribute("aria-label", name);
      head.append(day);
    }
    for (let step = 0; step < DAY / STEP; step += 1) {
      const row = this.row(grid);
      const label = this.cell("rowheader", step % 2 ? "" : clock(step * STEP));
      label.setAttribute("aria-label", clock(step * STEP));
      row.append(label);
      names.forEach((name, day) => {
        const cell = this.cell("gridcell", "");
        cell.tabIndex = -1;
        cell.dataset.day = day;
        cell.dataset.step = step;
        cell.dataset.name = `${name} ${clock(step * STEP)}–${clock((step + 1) * STEP)}`;
        (this.cells[day] ||= [])[step] = cell;
        row.append(cell);
      });
    }
    this.cells[0][16].tabIndex = 0;
    grid.addEventListener("pointerdown", (event) => this.press(event));
    grid.addEventListener("pointermove", (event) => this.drag(event));
    grid.addEventListener("pointerup", () => this.finish());
    grid.addEventListener("pointercancel", () => this.finish());
    grid.addEventListener("keydown", (event) => this.key(event));
    this.place.append(grid);
  }

  row(grid) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    grid.append(row);
    return row;
  }

  cell(role, text) {
    const cell = document.createElement("div");
    cell.setAttribute("role", role);
    cell.textContent = text;
    return cell;
  }

  // --- text to grid, grid to text

  read() {
    this.windows = this.fields.flatMap((field, day) => windowsOf(field.value, day) || []);
    this.show();
  }

  // What a window over Sunday's midnight covers is Monday's.
  get spans() {
    return this.windows.flatMap(([one, other]) => (other > WEEK ? [[one, WEEK], [0, other - WEEK]] : [[one, other]]));
  }

  show() {
    const { spans } = this;
    this.cells.forEach((steps, day) =>
      steps.forEach((cell, step) => {
        const start = day * DAY + step * STEP;
        const covered = spans.reduce((sum, [one, other]) => sum + Math.max(0, Math.min(other, start + STEP) - Math.max(one, start)), 0);
        const state = covered >= STEP ? "on" : covered > 0 ? "part" : "off";
        if (cell.dataset.state === state) return;
        cell.dataset.state = state;
        cell.setAttribute("aria-selected", String(state !== "off"));
        const { open, closed: shut } = this.place.dataset;
        cell.setAttribute("aria-label", `${cell.dataset.name}, ${state === "off" ? shut : open}`);
      }),
    );
  }

  write() {
    this.fields.forEach((field, day) => {
      if (windowsOf(field.value, day) === null) return; // what cannot be read is not overwritten
      const mine = this.windows.filter(([one]) => Math.floor(one / DAY) === day).sort((a, b) => a[0] - b[0]);
      const text = mine
        .map(([one, other]) => {
          const start = one - day * DAY;
          const end = other - day * DAY;
          return `${clock(start)}–${clock(end > DAY ? end - DAY : end)}`;
        })
        .join(", ");
      const before = (windowsOf(field.value, day) || []).sort((a, b) => a[0] - b[0]);
      if (JSON.stringify(before) !== JSON.stringify(mine)) field.value = text;
    });
  }

  paint(day, step, on) {
    const start = day * DAY + step * STEP;
    const spans = [[start, start + STEP], [start + WEEK, start + WEEK + STEP]];
    if (on) this.windows = this.cells[day][step].dataset.state === "on" ? this.windows : opened(this.windows, spans[0]);
    else this.windows = spans.reduce(closed, this.windows);
    this.windows = this.windows.map(([one, other]) => (one >= WEEK ? [one - WEEK, other - WEEK] : [one, other]));
    this.write();
    this.show();
  }

  told() {
    this.fields[0].dispatchEvent(new Event("change", { bubbles: true }));
  }

  // --- mouse and finger

  press(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell || event.button) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    this.brush = { on: cell.dataset.state !== "on" };
    this.move(cell);
    this.paint(Number(cell.dataset.day), Number(cell.dataset.step), this.brush.on);
  }

  drag(event) {
    if (!this.brush) return;
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest("[role=gridcell]");
    if (!cell || !this.place.contains(cell) || cell === this.at) return;
    // A quick hand jumps over cells: paint the way between.
    const [day, from, to] = [Number(cell.dataset.day), Number(this.at.dataset.step), Number(cell.dataset.step)];
    const first = Number(this.at.dataset.day) === day ? Math.min(from, to) : to;
    const last = Number(this.at.dataset.day) === day ? Math.max(from, to) : to;
    for (let step = first; step <= last; step += 1) this.paint(day, step, this.brush.on);
    this.move(cell);
  }

  finish() {
    if (!this.brush) return;
    this.brush = null;
    this.told();
  }

  // --- keyboard

  move(cell) {
    this.place.querySelector('[role=gridcell][tabindex="0"]')?.setAttribute("tabindex", "-1");
    cell.tabIndex = 0;
    cell.focus({ preventScroll: Boolean(this.brush) });
    this.at = cell;
  }

  key(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const [day, step] = [Number(cell.dataset.day), Number(cell.dataset.step)];
    const on = cell.dataset.state === "on";
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.paint(day, step, !on);
      this.told();
      return;
    }
    const ways = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const ends = { Home: [day, 0], End: [day, DAY / STEP - 1] };
    const way = ways[event.key];
    const to = way ? [day + way[0], step + way[1]] : ends[event.key];
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.cells[to[0]]?.[to[1]];
    if (!next) return;
    if (event.shiftKey && way) {
      this.paint(to[0], to[1], on);
      this.told();
    }
    this.move(next);
  }
}

export const startWeekGrids = (root) => {
  for (const place of within(root, "[data-week-grid]")) new WeekGrid(place);
  for (const button of within(root, "[data-more-rows]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const form = button.closest("form");
      const count = form.querySelector("[data-row-count]");
      const last = form.querySelector("[data-rows] tr:last-child");
      const number = Number(count.value);
      const row = last.cloneNode(true);
      for (const error of row.querySelectorAll(".field-error")) error.remove();
      for (const label of row.querySelectorAll("label")) {
        label.htmlFor = label.htmlFor.replace(/\d+$/, number);
        label.textContent = label.textContent.replace(/\d+/, number + 1);
      }
      for (const field of row.querySelectorAll("input")) {
        field.value = "";
        field.removeAttribute("aria-invalid");
        field.name = field.name.replace(/\d+$/, number);
        field.id = field.id.replace(/\d+$/, number);
        field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+/, number + 1));
      }
      last.after(row);
      count.value = number + 1;
      row.querySelector("input").focus();
    });
  }
};
