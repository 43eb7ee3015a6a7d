// Keeps an open report current: looks every few seconds and shows the new content if anything has changed.
// The page is complete without it.
"use strict";

(() => {
  const EVERY_MS = 5000;
  const LONGEST_MS = 60000;
  let wait = EVERY_MS;

  // Not under the eyes of nobody, and not under the hands of somebody who is marking text or walking by keyboard.
  const isBusy = () =>
    document.hidden || !getSelection().isCollapsed || document.querySelector("main :focus-visible") !== null;

  function show(fresh) {
    const [old, now] = [document.querySelector("main"), fresh.querySelector("main")];
    if (!now || now.dataset.version === old.dataset.version) return;
    const boxes = (main) => [...main.querySelectorAll(".scroll, .prices")];
    const places = boxes(old).map((box) => [box.scrollTop, box.scrollLeft]);
    old.replaceChildren(...now.childNodes);
    old.dataset.version = now.dataset.version;
    boxes(old).forEach((box, i) => places[i] && box.scrollTo(places[i][1], places[i][0]));
  }

  async function look() {
    if (!isBusy()) {
      try {
        const response = await fetch(location.href, { cache: "no-store" });
        if (!response.ok) throw new Error(String(response.status));
        show(new DOMParser().parseFromString(await response.text(), "text/html"));
        wait = EVERY_MS;
      } catch {
        wait = Math.min(wait * 2, LONGEST_MS); // the server is away: ask less and less often, never give up
      }
    }
    setTimeout(look, wait);
  }

  setTimeout(look, EVERY_MS);
})();
