// Sliders: a second hand on a number field. Without scripts the field alone is there.
import { within } from "./words.js";

export const startSliders = (root) => {
  for (const slider of within(root, "[data-slides]")) {
    const field = document.getElementById(slider.dataset.slides);
    if (!field) continue;
    slider.hidden = false;
    slider.addEventListener("input", () => {
      field.value = slider.value;
    });
    slider.addEventListener("change", () => {
      field.value = slider.value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    field.addEventListener("input", () => {
      if (field.value !== "") slider.value = field.value;
    });
  }
};
