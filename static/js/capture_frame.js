// Inside a frame: tell the page around how tall the form is, and where to go on to after the thank-you.
(() => {
  if (window.parent === window) return;
  const main = document.querySelector("main");
  // What is told is no secret, and the policy of this page names who may frame it: any listener may hear it.
  const tell = (what) => window.parent.postMessage({ leadsla: what }, "*");
  const tellHeight = () => tell({ height: Math.ceil(document.documentElement.getBoundingClientRect().height) });
  new ResizeObserver(tellHeight).observe(document.documentElement);
  tellHeight();
  if (main.hasAttribute("data-answered")) {
    tell({ answered: true });
    document.querySelector("#errors")?.focus({ preventScroll: true });
  }
  if (main.dataset.goesTo) tell({ goesTo: main.dataset.goesTo });
})();
