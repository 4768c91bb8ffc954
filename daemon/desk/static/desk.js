// The desk by keyboard, and what a screen reader should hear when a part of a page changes.
//
// What pages may use:
//   data-key="r"      on a button, link or field: that key presses it (a field: goes there). Inside a data-item
//                     it is the item in focus that counts. data-key-name: what the help calls it.
//   data-list         holds elements with data-item; j and k move the focus over them, Enter follows a link.
//   data-say="…"      in what htmx brought: said aloud, and shown for some seconds.
//   data-submits      on a select or checkbox: a change sends its form (which has a button as well).
// Keys of ours: / search, ? help, g and then the letter of a page (data-go).

"use strict";

(() => {
  const SHOWN_MS = 8000;
  const AFTER_G_MS = 1500;
  const TYPED = "input, select, textarea, [contenteditable]";
  const NOT_TYPED = ["button", "submit", "reset", "checkbox", "radio", "range", "file", "color"];

  const all = (what, within = document) => Array.from(within.querySelectorAll(what));
  const isSeen = (element) => element.checkVisibility ? element.checkVisibility() : element.offsetParent !== null;

  // What is said

  let silence;
  function say(text, keep = false) {
    const place = document.getElementById("said");
    if (!place || !text) return;
    clearTimeout(silence);
    place.textContent = "";
    // A text like the last one is read out again only if the place was empty in between.
    setTimeout(() => { place.textContent = text; }, 50);
    if (!keep) silence = setTimeout(() => { place.textContent = ""; }, SHOWN_MS);
  }

  // Keys

  const isTyping = (element) =>
    element.matches?.(TYPED) && !(element.tagName === "INPUT" && NOT_TYPED.includes(element.type));

  function press(key) {
    const focus = document.activeElement;
    const within = focus?.closest?.("[data-item]");
    const places = [...(within ? [within] : []), document];
    for (const place of places) {
      const found = all("[data-key]", place).filter(
        (each) => each.dataset.key === key && isSeen(each) && !each.disabled &&
          (place !== document || !each.closest("[data-item]") || each.closest("[data-item]") === within));
      if (found.length) return act(found[0]);
    }
    // A key that is an item's, and none is in focus: nothing is pressed by accident, the first one is shown.
    const first = within ? null : items().find((item) => all("[data-key]", item).some((each) => each.dataset.key === key && isSeen(each)));
    if (first) reach(first);
    return Boolean(first);
  }

  function act(element) {
    if (isTyping(element) || element.type === "range") element.focus();
    else element.click();
    return true;
  }

  const items = () => all("[data-list] [data-item]").filter(isSeen);

  function move(step) {
    const list = items();
    if (!list.length) return false;
    const within = document.activeElement?.closest?.("[data-item]");
    const at = within ? list.indexOf(within) : -1;
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + step, 0), list.length - 1)];
    reach(next);
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function reach(element) {
    if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.focus({ preventScroll: false });
  }

  function search() {
    const field = all('input[type="search"]').find(isSeen);
    if (!field) return false;
    field.focus();
    field.select();
    return true;
  }

  let awaits = 0;
  function go(key) {
    awaits = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (link) link.click();
    return Boolean(link);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
    const target = event.target;
    if (isTyping(target)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const key = event.key;
    let done = false;
    if (Date.now() < awaits) done = go(key);
    else if (key === "?") done = help();
    else if (key === "/") done = search();
    else if (key === "Enter") done = target.matches?.("[data-item]") && follow(target);
    else if (key === "Escape") done = close();
    else if (key.length === 1 && key !== " ") {
      done = press(key);
      if (!done && key === "j") done = move(1);
      else if (!done && key === "k") done = move(-1);
      else if (!done && key === "g") { awaits = Date.now() + AFTER_G_MS; done = true; }
    }
    if (done) event.preventDefault();
  });

  function follow(item) {
    const link = item.querySelector("h2 a[href], h3 a[href], a[href]");
    if (link) link.click();
    return Boolean(link);
  }

  // Menus close when somebody looks elsewhere

  function close() {
    const open = all("details.menu[open]");
    for (const menu of open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return open.length > 0;
  }
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.closest?.("[data-help]")) help();
  });

  // Help: the keys that this page knows

  function help() {
    const dialog = document.getElementById("keys");
    if (!dialog) return false;
    const list = dialog.querySelector("dl");
    for (const old of all("[data-found]", list)) old.remove();
    const known = new Set();
    for (const each of all("[data-key]").filter(isSeen)) {
      const key = each.dataset.key;
      if (known.has(key)) continue;
      known.add(key);
      const term = document.createElement("dt");
      const meaning = document.createElement("dd");
      const cap = document.createElement("kbd");
      term.dataset.found = meaning.dataset.found = "";
      cap.textContent = key;
      term.append(cap);
      meaning.textContent = nameOf(each);
      list.prepend(term, meaning);
    }
    for (const each of all("[data-needs]", list)) each.hidden = !document.querySelector(each.dataset.needs);
    close();
    dialog.showModal();
    return true;
  }

  function nameOf(element) {
    const own = element.dataset.keyName || element.getAttribute("aria-label") || element.labels?.[0]?.textContent;
    if (own) return own.trim();
    const copy = element.cloneNode(true);
    for (const cap of all("kbd", copy)) cap.remove();
    return copy.textContent.trim();
  }

  // Fields that send their form

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-submits]")) event.target.form?.requestSubmit();
  });

  // Parts of a page that htmx changes: the focus stays where the eye is, and what changed is said

  let before = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const focus = document.activeElement;
    const target = event.detail.target;
    if (!focus || focus === document.body || !target?.contains(focus)) { before = null; return; }
    const within = focus.closest("[data-item]");
    before = {
      id: focus.id,
      item: within?.id,
      index: within ? items().indexOf(within) : -1,
      key: focus.dataset.key,
      name: focus.getAttribute("name"),
      value: focus.getAttribute("value"),
    };
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    hear(event.detail.elt);
    if (before && (document.activeElement === document.body || !document.activeElement)) refocus(before);
    before = null;
  });

  function refocus(was) {
    const byId = was.id && document.getElementById(was.id);
    if (byId && isSeen(byId)) return byId.focus();
    const list = items();
    const item = (was.item && document.getElementById(was.item)) ||
      (was.index >= 0 && list[Math.min(was.index, list.length - 1)]) || null;
    const same = all("button, a, input, select", item || document).find((each) => isSeen(each) && !each.disabled && (
      (was.key && each.dataset.key === was.key) ||
      (was.name && each.getAttribute("name") === was.name && each.getAttribute("value") === was.value)));
    if (same && !(item && was.index >= 0 && item.id !== was.item)) return same.focus();
    if (item) return reach(item);
    if (same) return same.focus();
    return reach(document.querySelector("main h1") || document.getElementById("main"));
  }

  function hear(element) {
    const root = element?.isConnected ? element : document;
    const found = [...(root.matches?.("[data-say]") ? [root] : []), ...all("[data-say]", root)];
    const news = found.filter((each) => !each.dataset.heard);
    for (const each of news) each.dataset.heard = "yes";
    if (news.length) say(news.map((each) => each.dataset.say).join(" "));
  }
  document.addEventListener("htmx:oobAfterSwap", (event) => hear(event.detail.target));
  document.addEventListener("htmx:sseMessage", (event) => hear(event.target));

  // What went wrong

  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401 || status === 403) ended();
    else say(`${words("failed")} (${status})`, true);
  });
  document.addEventListener("htmx:sendError", () => say(words("unreachable")));
  document.addEventListener("htmx:timeout", () => say(words("unreachable")));

  const words = (name) => document.getElementById("said")?.dataset[name] || "";

  function ended() {
    const box = document.getElementById("ended");
    if (!box) return;
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
    box.querySelector("a")?.focus();
  }

  for (const each of all("[data-help]")) each.hidden = false;  // without this script it would do nothing
  window.desk = Object.freeze({ say, ended });
})();
