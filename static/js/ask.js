// Ask before what cannot be undone: data-ask on a button or link, or hx-confirm, shows the page's own dialog.
import { word } from "./words.js";

const ask = (text, yes) =>
  new Promise((resolve) => {
    const dialog = document.querySelector("[data-ask-first]");
    if (!dialog) return resolve(window.confirm(text));
    const [title, ...rest] = text.split(/(?<=[?!.])\s+/);
    dialog.querySelector("[data-ask-title]").textContent = title;
    dialog.querySelector("[data-ask-text]").textContent = rest.join(" ");
    dialog.querySelector("[data-ask-text]").hidden = !rest.length;
    dialog.querySelector("[data-ask-yes]").textContent = yes || word("goOn");
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    return dialog.showModal();
  });

export const startAsk = () => {
  document.addEventListener(
    "click",
    async (event) => {
      const target = event.target.closest("[data-ask]");
      if (!target || target.dataset.asked) return;
      event.preventDefault();
      event.stopPropagation();
      if (!(await ask(target.dataset.ask, target.dataset.askYes))) return target.focus();
      target.dataset.asked = "yes";
      target.click();
      delete target.dataset.asked;
    },
    true,
  );
  document.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    if (await ask(event.detail.question, event.detail.elt.dataset.askYes)) event.detail.issueRequest(true);
  });
  document.addEventListener("click", (event) => {
    const open = event.target.closest("[data-open-dialog]");
    if (open) document.getElementById(open.dataset.openDialog)?.showModal();
    if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog")?.close();
  });
};
