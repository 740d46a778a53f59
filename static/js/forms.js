// Forms: no second send of the same click, filters that apply themselves, errors of HTMX said in words, "all" ticks.
import { announce, within, word } from "./words.js";

const fail = (text) => {
  announce(text);
  let notes = document.querySelector("main > .notes");
  if (!notes) {
    notes = document.createElement("div");
    notes.className = "notes noprint";
    document.querySelector("main")?.prepend(notes);
  }
  const note = document.createElement("div");
  note.className = "note error";
  note.setAttribute("role", "alert");
  note.textContent = text;
  notes.replaceChildren(note);
  notes.scrollIntoView({ block: "nearest" });
};

// A form that came in under a row takes the focus; on the phone the sheet itself, so that no keyboard covers it.
export const startSheets = (root) => {
  for (const sheet of within(root, ".rej")) {
    const isWide = matchMedia("(min-width: 761px)").matches;
    if (isWide) sheet.querySelector("[data-reason-search], input:not([type=hidden]):not(:disabled), textarea")?.focus();
    else if (!sheet.parentElement.matches(".panel")) {
      sheet.tabIndex = -1;
      sheet.focus({ preventScroll: true });
    }
  }
};

export const startForms = () => {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const cancel = event.target.closest("form")?.querySelector("[data-cancel]");
    if (!cancel) return;
    event.preventDefault();
    cancel.click();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.matches("[hx-post]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
    return undefined;
  });
  // Coming back with the browser's button shows the page as it was left: let it be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
    if (event.target.matches("[data-ticks-all]")) {
      const table = event.target.closest("table, form");
      for (const box of table.querySelectorAll('tbody input[type="checkbox"]')) box.checked = event.target.checked;
    }
    const bulk = event.target.closest("form")?.querySelector("[data-bulk]");
    if (bulk && event.target.type === "checkbox") {
      const ticked = bulk.form
        ? bulk.form.querySelectorAll('tbody input[type="checkbox"]:checked').length
        : event.target.closest("form").querySelectorAll('tbody input[type="checkbox"]:checked').length;
      bulk.hidden = ticked === 0;
      const shown = bulk.querySelector("[data-bulk-count]");
      if (shown) shown.textContent = ticked;
    }
  });
  // An answer with named errors (422, 400) is shown in place like any other.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if ([400, 409, 422].includes(xhr.status) && xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:responseError", () => fail(word("failed")));
  document.addEventListener("htmx:sendError", () => fail(word("offline")));
};
