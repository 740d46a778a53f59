// Let countdowns run in the open page: each minute, each second below two minutes, only while working time runs.
import { within, word } from "./words.js";

const served = Number(document.querySelector('meta[name="server-now"]')?.content) || Date.now() / 1000;
const serverNow = () => served + performance.now() / 1000;

// The same words as the server's `duration`: "95 s", "12 min", "1 h 20", "1 day 3 h 40" (a day is a working day).
export const written = (seconds, day) => {
  let left = Math.floor(Math.abs(seconds));
  const days = Math.floor(left / day);
  left -= days * day;
  const parts = days ? [`${days} ${word(days === 1 ? "day" : "days")}`] : [];
  const minutes = Math.floor(left / 60);
  if (left >= 3600) {
    const rest = minutes % 60;
    parts.push(`${Math.floor(left / 3600)} h${rest ? ` ${String(rest).padStart(2, "0")}` : ""}`);
  } else if (left >= 120 || (days && left >= 60)) parts.push(`${minutes} min`);
  else if (!days) parts.push(`${left} s`);
  return parts.join(" ");
};

const stateOf = (left, budget) => {
  if (left <= 0) return "late";
  const share = left / budget;
  if (share <= 0.2) return "soon";
  return share <= 0.5 ? "half" : "ok";
};

const running = new Map();

const show = (chip, { left, until, budget, day, since }) => {
  const now = Math.min(serverNow(), until);
  const rest = left - Math.max(0, now - since);
  const state = stateOf(rest, budget);
  chip.className = `cd cd-${state}`;
  const text = chip.querySelector(".cd-text");
  const words = `${written(rest, day)} ${word(state === "late" ? "overdue" : "left")}`;
  if (text.textContent !== words) text.textContent = words;
  chip.querySelector(".rest")?.setAttribute("stroke-dasharray", `${Math.max(0, (rest / budget) * 100).toFixed(1)} 100`);
  return serverNow() < until;
};

const tick = () => {
  for (const [chip, clock] of running) {
    if (!chip.isConnected || !show(chip, clock)) running.delete(chip);
  }
};

let timer;

export const startCountdowns = (root) => {
  for (const chip of within(root, "[data-countdown]")) {
    const { left, until, budget, day } = chip.dataset;
    running.set(chip, {
      left: Number(left),
      until: Number(until),
      budget: Number(budget) || 1,
      day: Number(day) || 28800,
      since: serverNow(),
    });
  }
  timer ??= setInterval(tick, 1000);
};
