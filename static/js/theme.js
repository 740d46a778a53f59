// Set the colours before the first paint: as chosen in this browser, else as the system says. Loaded in the head, not deferred.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("leadsla-theme") || "auto";
    } catch {
      return "auto"; // storage is blocked
    }
  };
  const apply = () => {
    const choice = chosen();
    const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    if (root.dataset.bsTheme === theme) return;
    root.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("leadsla:theme", { detail: theme }));
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply); // chosen in another tab

  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll("[data-themes]")) {
      group.hidden = false;
      const mark = () => {
        for (const button of group.querySelectorAll("[data-set-theme]")) {
          button.setAttribute("aria-pressed", String(button.dataset.setTheme === chosen()));
        }
      };
      mark();
      group.addEventListener("click", (event) => {
        const button = event.target.closest("[data-set-theme]");
        if (!button) return;
        try {
          localStorage.setItem("leadsla-theme", button.dataset.setTheme);
        } catch {
          root.dataset.bsTheme = button.dataset.setTheme; // for this page only
        }
        apply();
        mark();
      });
    }
  });
})();
