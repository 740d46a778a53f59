// Single keys: / for the search, j and k to move over rows, and whatever the marked row or the page offers with data-key.
// Off while typing, with a modifier, in a dialog, and where the person switched them off (body[data-keys=off]).
const typing = (target) =>
  target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
    ? !/^(radio|checkbox|button|submit)$/.test(target.type)
    : false;

const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
const marked = () => document.querySelector('[data-row][aria-current="true"]');

const mark = (row) => {
  marked()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

const move = (by) => {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(marked());
  mark(all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))]);
  return true;
};

const press = (key) => {
  const selector = `[data-key="${CSS.escape(key)}"]`;
  const inRow = marked()?.querySelector(selector);
  const onPage = [...document.querySelectorAll(selector)].find((element) => !element.closest("[data-row]"));
  const target = inRow ?? onPage;
  if (!target || target.matches(":disabled, [aria-disabled=true]")) return false;
  target.click();
  return true;
};

// The rows of a refreshed list are new elements: mark the one that was marked, by its id, or the one in its place.
let lastId = "";
let lastPlace = 0;
const keepMark = () => {
  const all = rows();
  if (all.length && !marked() && lastId) {
    const row = document.getElementById(lastId) ?? all[Math.min(lastPlace, all.length - 1)];
    row.setAttribute("aria-current", "true");
  }
  // What had the focus is gone (a closed form, an answered row): go on from the marked row.
  if (document.activeElement === document.body) marked()?.focus({ preventScroll: true });
};

export const startKeys = () => {
  const areOff = document.body.dataset.keys === "off";
  document.documentElement.classList.toggle("no-keys", areOff);

  document.addEventListener("keydown", (event) => {
    if (areOff || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    let done = false;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      search?.focus();
      done = Boolean(search);
    } else if (event.key === "?") {
      const list = document.querySelector("dialog.key-list");
      list?.showModal();
      done = Boolean(list);
    } else if (event.key === "j" && rows().length) done = move(1);
    else if (event.key === "k" && rows().length) done = move(-1);
    else if (event.key.length === 1 || event.key === "Escape") done = press(event.key);
    if (done) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row && row !== marked()) {
      marked()?.removeAttribute("aria-current");
      row.setAttribute("aria-current", "true");
    }
    if (event.target.closest("[data-show-keys]")) document.querySelector("dialog.key-list")?.showModal();
  });
  document.addEventListener("htmx:beforeSwap", () => {
    const row = marked();
    lastId = row?.id ?? "";
    lastPlace = row ? rows().indexOf(row) : 0;
  });
  document.addEventListener("htmx:afterSettle", keepMark);
};
