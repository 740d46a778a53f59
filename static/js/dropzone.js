// Drop a file on the field, and see which one it is.
import { within } from "./words.js";

const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

export const startDropzones = (root) => {
  for (const zone of within(root, "[data-drop]")) {
    const input = zone.querySelector('input[type="file"]');
    const name = zone.querySelector("[data-file-name]");
    const show = () => {
      const file = input.files[0];
      if (name) name.textContent = file ? `${file.name}, ${size(file.size)}` : "";
    };
    input.addEventListener("change", show);
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
};
