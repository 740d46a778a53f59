// Pick a reason: search in its words, number keys, and what follows from it shown beside it.
// Without JavaScript everything stands open and the form works the same.
import { within, word } from "./words.js";

const fold = (text) =>
  text
    .normalize("NFKD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();

const start = (box) => {
  const search = box.querySelector("[data-reason-search]");
  const options = [...box.querySelectorAll("[data-reason]")];
  const list = box.querySelector(".opts");
  const none = box.querySelector("[data-none-found]");

  const showFor = () => {
    const chosen = box.querySelector("[data-reason] input:checked")?.value ?? "";
    for (const part of box.querySelectorAll("[data-for]")) {
      const fits = part.dataset.for.split(" ").includes(chosen);
      part.hidden = !fits;
      for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = !fits;
    }
    for (const part of box.querySelectorAll("[data-for-none]")) part.hidden = Boolean(chosen);
  };
  const choose = (option) => {
    const input = option?.querySelector("input:not(:disabled)");
    if (!input) return false;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  };
  const filter = () => {
    const wanted = fold(search.value.trim()).split(/\s+/).filter(Boolean);
    list?.classList.toggle("all", wanted.length > 0);
    let shown = 0;
    for (const option of options) {
      const text = fold(option.textContent + " " + (option.dataset.words ?? ""));
      option.hidden = !wanted.every((part) => text.includes(part));
      if (!option.hidden) shown += 1;
    }
    if (none) {
      none.hidden = shown > 0;
      none.textContent = word("noneFound");
    }
  };

  // The reason that is called so comes before one that only mentions it.
  const found = () => {
    const open = options.filter((one) => !one.hidden && one.querySelector("input:not(:disabled)"));
    const wanted = fold(search.value.trim());
    return open.find((one) => fold(one.textContent).replace(/^[\s\d·]+/, "").startsWith(wanted)) ?? open[0];
  };

  search?.addEventListener("input", filter);
  list?.addEventListener("keydown", (event) => {
    const option = /^[1-9]$/.test(event.key) && options.find((one) => one.dataset.number === event.key);
    if (!option || !choose(option)) return;
    option.querySelector("input").focus();
    event.preventDefault();
  });
  search?.addEventListener("keydown", (event) => {
    // A number in the empty search field picks; with text in it, it is text.
    if (/^[1-9]$/.test(event.key) && !search.value) {
      const option = options.find((one) => one.dataset.number === event.key);
      if (choose(option)) event.preventDefault();
    } else if (event.key === "Enter") {
      const first = found();
      if (search.value && first) {
        choose(first);
        event.preventDefault();
      }
    } else if (event.key === "ArrowDown") {
      options
        .find((one) => !one.hidden)
        ?.querySelector("input")
        ?.focus();
      event.preventDefault();
    }
  });
  box.addEventListener("change", showFor);
  box.querySelector("[data-all-reasons]")?.addEventListener("click", (event) => {
    list?.classList.add("all");
    event.currentTarget.hidden = true;
  });
  showFor();
};

export const startReasons = (root) => within(root, "[data-reasons]").forEach(start);
