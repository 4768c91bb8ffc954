// The queue by keyboard, where desk.js does not reach: arrows, and letters of topics while these are shown.
//
//   data-arrow="ArrowRight"   on a button: that key presses it.
//   data-letter="a"           on a button or checkbox within details.others: that letter, while it is open.

"use strict";

(() => {
  const TYPED = 'input:not([type="checkbox"]), select, textarea, [contenteditable]';
  const topics = () => document.querySelector("#queue details.others[open]");

  // Before desk.js, to which the same letters mean something else.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.matches?.(TYPED) || document.querySelector("dialog[open]")) return;
    const found = topics() ? ofTopics(event) : arrow(event.key);
    if (!found) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  function arrow(key) {
    const button = key.startsWith("Arrow") && document.querySelector(`#queue [data-arrow="${CSS.escape(key)}"]`);
    if (button) button.click();
    return Boolean(button);
  }

  function ofTopics(event) {
    const open = topics();
    if (event.key === "Escape") {
      open.open = false;
      open.querySelector("summary").focus();
      return true;
    }
    if (event.key === "Enter" && event.target.type === "checkbox") {
      event.target.form.requestSubmit();
      return true;
    }
    const letter = event.key.length === 1 && open.querySelector(`[data-letter="${CSS.escape(event.key)}"]`);
    if (!letter) return event.key.length === 1 && event.key >= "a" && event.key <= "z";
    letter.focus();
    letter.click();
    return true;
  }
})();
