// Small comforts. Every page works without them.
"use strict";
(() => {
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-ask]") && !window.confirm(form.dataset.ask)) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => { button.disabled = false; });
    });
  });

  // Filters are open where there is room for them.
  if (window.matchMedia("(min-width: 48.01rem)").matches) {
    document.querySelectorAll("details[data-wide-open]").forEach((one) => { one.open = true; });
  }

  // Where the way around is longer than a phone is wide, it begins with where one is.
  const here = document.querySelector(".main-nav [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 16;

  // Rows that can be added and removed: the last, empty one is the pattern.
  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add-row]");
    if (add) {
      const rows = document.getElementById(add.dataset.addRow);
      const pattern = rows.querySelector(":scope > .cells:last-of-type");
      const made = pattern.cloneNode(true);
      made.querySelectorAll("input").forEach((field) => { field.value = ""; });
      made.querySelectorAll("select").forEach((field) => { field.selectedIndex = 0; });
      made.querySelectorAll("[id]").forEach((field) => field.removeAttribute("id"));
      made.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
      made.querySelectorAll(".wrong").forEach((said) => said.remove());
      pattern.after(made);
      window.htmx.process(made);
      made.querySelector("input, select").focus();
    }
    const remove = event.target.closest("[data-remove-row]");
    if (remove) {
      const row = remove.closest(".cells");
      if (row.parentElement.querySelectorAll(":scope > .cells").length > 1) {
        row.remove();
      } else {
        row.querySelectorAll("input").forEach((field) => { field.value = ""; });
      }
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
  document.querySelectorAll("[data-with-script]").forEach((one) => { one.hidden = false; });

  // A tablet that scanned the code of a new kiosk brings the key behind the #, which no server and no log sees.
  const keyed = document.querySelector("form[data-key-in-hash]");
  const key = window.location.hash.slice(1);
  if (keyed && key.startsWith("djk_")) {
    keyed.elements.token.value = key;
    window.history.replaceState(null, "", window.location.pathname);
    keyed.requestSubmit();
  }

  // What was refused is read first.
  const wrong = document.querySelector('main [role="alert"]');
  if (wrong && wrong.tabIndex === -1 && document.querySelector("main form")) wrong.focus();
})();
