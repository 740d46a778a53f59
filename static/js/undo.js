// Count the seconds of an undo line down; when they are over, the button goes and the line says so.
import { within, word } from "./words.js";

export const startUndo = (root) => {
  for (const line of within(root, "[data-undo]")) {
    const ends = performance.now() + Number(line.dataset.undo) * 1000;
    const shown = line.querySelector("[data-undo-left]");
    const timer = setInterval(() => {
      const left = Math.ceil((ends - performance.now()) / 1000);
      if (!line.isConnected) return clearInterval(timer);
      if (left > 0) {
        if (shown) shown.textContent = `${left} s`;
        return undefined;
      }
      clearInterval(timer);
      const button = line.querySelector("form, .btn");
      if (button?.contains(document.activeElement)) line.closest("section, main")?.querySelector("[data-row]")?.focus();
      const over = document.createElement("span");
      over.className = "mute push";
      over.textContent = word("undoOver");
      button?.replaceWith(over);
      return undefined;
    }, 1000);
  }
};
