// Show one of our forms where this script stands. Usage, in a page of a website that the form allows:
//   <script src="https://portal.example.com/static/js/embed.js" data-form="demo" async></script>
// The form comes in a frame from the portal: the page's own styles and scripts neither break it nor read what is typed,
// it needs no cookie, and a strict policy of the page has to name the portal only (script-src and frame-src).
// data-theme is light (unless said otherwise), dark or auto; data-title names the frame for screen readers.
(() => {
  const script = document.currentScript;
  const form = script?.dataset.form;
  if (!form) return;
  const portal = new URL(script.src);
  const address = new URL(`/leads/form/${encodeURIComponent(form)}/embedded/`, portal);
  address.searchParams.set("theme", script.dataset.theme || "light");

  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "Form";
  frame.referrerPolicy = "no-referrer";
  // Properties of the style, not its attribute: policies that forbid inline styles allow them.
  Object.assign(frame.style, { display: "block", width: "100%", height: "480px", border: "0" });

  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== portal.origin) return;
    const told = event.data?.leadsla;
    if (!told) return;
    if (Number.isFinite(told.height)) frame.style.height = `${Math.min(Math.max(told.height, 80), 10000)}px`;
    if (told.answered && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
    if (typeof told.goesTo === "string" && /^https?:\/\//.test(told.goesTo)) location.assign(told.goesTo);
  });

  if (document.head.contains(script)) {
    addEventListener("DOMContentLoaded", () => document.body.append(frame));
    return;
  }
  script.after(frame);
})();
