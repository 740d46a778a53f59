// A section that saves by itself says while it is not saved, and the browser asks before it is left so.
const dirty = () => document.querySelector("form[data-section][data-dirty]");

export const startUnsaved = () => {
  const note = (event) => {
    const form = event.target.closest?.("form[data-section]");
    if (form) form.dataset.dirty = "yes";
  };
  document.addEventListener("input", note);
  document.addEventListener("change", note);
  document.addEventListener("submit", (event) => delete event.target.dataset.dirty);
  addEventListener("beforeunload", (event) => dirty() && event.preventDefault());
};
