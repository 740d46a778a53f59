// Fetch the chart library only where a page has a chart. Its address comes from the page, because it may carry a hash.
import { within } from "./words.js";

export const startCharts = async (root) => {
  const places = within(root, "[data-chart]");
  if (!places.length) return;
  const { draw } = await import(document.querySelector('meta[name="charts"]').content);
  places.forEach(draw);
};
