// Meetings are dragged about the table plan. The same is done, without a mouse, on the page of each meeting.
"use strict";
(() => {
  const form = document.querySelector("form[data-drag]");
  if (!form) return;
  const seats = document.querySelectorAll(".plan td[data-slot]");
  let held = null;

  const said = (pattern, words) => pattern.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  const takes = (seat) => held && seat !== held;

  const drop = (seat) => {
    const { who, meeting, version } = held.dataset;
    const swap = Boolean(seat.dataset.meeting);
    const words = { who, where: seat.dataset.where, other: seat.dataset.who };
    if (!window.confirm(said(swap ? form.dataset.swap : form.dataset.move, words))) return;
    form.action = `${form.dataset.drag}/${meeting}/${swap ? "swap" : "move"}`;
    form.elements.version.value = version;
    form.elements.slot_id.value = seat.dataset.slot;
    form.elements.table_id.value = seat.dataset.table;
    form.elements.other_id.value = seat.dataset.meeting || "";
    form.requestSubmit();
  };

  seats.forEach((seat) => {
    if (seat.dataset.meeting) {
      seat.draggable = true;
      seat.addEventListener("dragstart", (event) => {
        held = seat;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", seat.dataset.who);
      });
      seat.addEventListener("dragend", () => { held = null; });
    }
    seat.addEventListener("dragover", (event) => {
      if (!takes(seat)) return;
      event.preventDefault();
      seat.classList.add("over");
    });
    seat.addEventListener("dragleave", () => seat.classList.remove("over"));
    seat.addEventListener("drop", (event) => {
      event.preventDefault();
      seat.classList.remove("over");
      if (takes(seat)) drop(seat);
    });
  });
})();
