// The frame of the page: the drawer on the phone, menus that close, the search field's keys.
const setDrawer = (open) => {
  const side = document.getElementById("side");
  if (!side) return;
  side.classList.toggle("open", open);
  const opener = document.querySelector("[data-open-drawer]");
  opener?.setAttribute("aria-expanded", String(open));
  if (open) side.querySelector("a:not(.brand)")?.focus();
  else if (side.contains(document.activeElement)) opener?.focus();
};

const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
};

// On paper nothing can be opened: print shows what is folded, except the tables behind charts.
const unfold = () => {
  const folded = [...document.querySelectorAll("main details:not([open], .as-table, [data-menu])")];
  for (const details of folded) details.open = true;
  addEventListener("afterprint", () => folded.forEach((details) => (details.open = false)), { once: true });
};

export const startFrame = () => {
  addEventListener("beforeprint", unfold);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-drawer]")) {
      event.preventDefault();
      setDrawer(true);
    } else if (event.target.closest("[data-close-drawer]")) {
      event.preventDefault();
      setDrawer(false);
    }
    closeMenus(event.target.closest("[data-menu]"));
    if (event.target.closest("[data-print]")) print();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      setDrawer(false);
      const menu = document.activeElement?.closest("[data-menu][open]");
      closeMenus();
      menu?.querySelector("summary").focus();
    }
    const search = document.querySelector("[data-search]");
    if (search && event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
};
