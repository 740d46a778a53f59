// Translated words from the page, and announcements for screen readers.
export const word = (name) => document.getElementById("words")?.dataset[name] ?? "";

export const announce = (text) => {
  const place = document.querySelector("[data-announce]");
  if (place) place.textContent = text;
};

// Elements below `root` that match, `root` itself included: HTMX may swap in exactly such an element.
export const within = (root, selector) => [
  ...(root.matches?.(selector) ? [root] : []),
  ...root.querySelectorAll(selector),
];
