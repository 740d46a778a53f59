// What every page loads: HTMX and the small behaviours, each started once and again on what HTMX brings in.
import htmx from "htmx.org";
import { startAsk } from "./ask.js";
import { startCharts } from "./load_charts.js";
import { startCopying } from "./copy.js";
import { startCountdowns } from "./countdown.js";
import { startDropzones } from "./dropzone.js";
import { startForms, startSheets } from "./forms.js";
import { startFrame } from "./frame.js";
import { startKeys } from "./keys.js";
import { startReasons } from "./reasons.js";
import { startSliders } from "./slider.js";
import { startUndo } from "./undo.js";
import { startUnsaved } from "./unsaved.js";
import { startWeekGrids } from "./week_grid.js";

window.htmx = htmx;

startFrame();
startKeys();
startAsk();
startForms();
startUnsaved();
for (const start of [
  startCountdowns,
  startUndo,
  startReasons,
  startSheets,
  startDropzones,
  startCharts,
  startWeekGrids,
  startSliders,
  startCopying,
]) {
  start(document);
  document.addEventListener("htmx:load", (event) => event.target !== document.body && start(event.target));
}
