// Keys for those who want them: j and k go through a list, Enter opens, ? lists them and turns them off.
// Every page works without this file.
"use strict";
(() => {
  const dialog = document.getElementById("keys");
  const choice = document.getElementById("keys-on");
  if (!dialog || !choice) return;
  const OFF = "patreview.keys.off";
  const stored = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };
  choice.checked = !stored();
  choice.addEventListener("change", () => {
    try { choice.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"); } catch { /* private mode */ }
  });
  // What j and k stop at: the rows of a list, the findings of a report, the threads.
  const STOPS = ".todo > li a, .list tbody tr a.title, .finding > details > summary, .threadbox .threadhead, table.grid tbody th a";
  const visible = (element) => element.offsetParent !== null;

  function move(step) {
    const stops = [...document.querySelectorAll(STOPS)].filter(visible);
    if (!stops.length) return;
    const here = stops.findIndex((stop) => stop === document.activeElement || stop.contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(Math.max(here + step, 0), stops.length - 1);
    const stop = stops[next];
    if (stop.tabIndex < 0) stop.tabIndex = -1;
    stop.focus();
    stop.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing) return;
    if (event.key === "?") { event.preventDefault(); dialog.open ? dialog.close() : dialog.showModal(); return; }
    if (!choice.checked || dialog.open) return;
    if (event.key === "j" || event.key === "k") { event.preventDefault(); move(event.key === "j" ? 1 : -1); }
    if (event.key === "h") { location.href = document.querySelector(".brand").href; }
    if (event.key === "c") {
      const box = document.getElementById("comment-body");
      if (box) { event.preventDefault(); box.focus(); }
    }
    if (event.key === "v") {
      const first = document.querySelector("#vote input[type=radio]");
      if (first) { event.preventDefault(); first.focus(); }
    }
  });
})();
