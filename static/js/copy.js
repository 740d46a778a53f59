// Copy what stands in a field; the button shows only where the browser lets us.
import { announce, within, word } from "./words.js";

export const startCopying = (root) => {
  if (!navigator.clipboard) return;
  for (const button of within(root, "[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copies);
      field.select();
      await navigator.clipboard.writeText(field.value);
      button.textContent = word("copied");
      announce(word("copied"));
    });
  }
};
