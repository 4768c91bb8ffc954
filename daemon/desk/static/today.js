// Today, live: what a reader reads stays where it is, and an address has only what was filled in.

"use strict";

(() => {
  const MOST = 400; // articles on a page that has been open for long

  const list = () => document.getElementById("articles");
  const isReading = () => {
    const found = list();
    return Boolean(found) && found.getBoundingClientRect().top < 0;
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id === "arrivals" && document.hidden) event.preventDefault();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (elt.id !== "arrivals" || !isReading()) return;
    parameters.waiting = "1";
    parameters.told = elt.dataset.told || "0";
  });

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const found = list();
    if (!found || event.detail.target !== found) return;
    document.getElementById("empty")?.remove();
    shorten(found);
  });

  function shorten(found) {
    const older = document.getElementById("older");
    if (found.children.length <= MOST || !older) return;
    while (found.children.length > MOST) found.lastElementChild.remove();
    const address = new URL(older.href);
    address.searchParams.set("before", found.lastElementChild.id.slice(1));
    older.href = address.href;
  }

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters") return;
    for (const field of event.target.elements) {
      if (field.name && field.value === "") field.disabled = true;
    }
  });
  // Back again: what was left out can be filled in.
  window.addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("#filters [name]:disabled")) field.disabled = false;
  });
})();
