// Badges before the camera, read here in the page. The field, and a scanner that types, work without it.
"use strict";
(() => {
  const box = document.querySelector("[data-camera]");
  const field = document.getElementById("code");
  if (!box || !field) return;
  const form = field.form;
  const button = box.querySelector("button");
  const video = box.querySelector("video");
  // A picture is scaled down to this many pixels a side: a badge at arm's length is read, and a phone keeps up.
  const SIDE = 960;
  // A badge that stays before the camera is read once; it is read again when it was away for as long as this.
  const AWAY = 2000;
  const PAUSE = 100;
  const FAILED = { NotFoundError: "absent", OverconstrainedError: "absent", NotReadableError: "busy" };
  let stream = null;
  let last = { code: "", seen: 0 };

  const said = (name) => {
    box.querySelectorAll("[data-says]").forEach((one) => { one.hidden = one.dataset.says !== name; });
  };

  const keep = (how) => {
    try {
      if (how === undefined) return window.sessionStorage.getItem("door.camera");
      window.sessionStorage.setItem("door.camera", how);
    } catch { /* A browser that keeps nothing is asked by hand each time. */ }
    return null;
  };

  const stop = () => {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    button.setAttribute("aria-pressed", "false");
  };

  // The page's own answer to the form, put into this page: the camera goes on, and is not asked for again.
  const checkIn = async (code) => {
    field.value = code;
    let answer;
    try {
      answer = await fetch(form.action, {
        method: "POST", headers: { Accept: "text/html" }, body: new URLSearchParams(new FormData(form)),
      });
    } catch {
      said("offline");
      last = { code: "", seen: 0 };
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = [...document.querySelectorAll("[data-after]")].map((part) => (
      [part, page.querySelector(`[data-after="${part.dataset.after}"]`)]));
    if (parts.some(([, fresh]) => !fresh)) {
      // Signed out, or the event is over: the form itself says so, on the page that it leads to.
      stop();
      form.requestSubmit();
      return;
    }
    said("");
    field.value = "";
    parts.forEach(([part, fresh]) => part.replaceChildren(...fresh.childNodes));
    if (navigator.vibrate) navigator.vibrate(answer.ok ? 80 : [80, 80, 200]);
  };

  const look = async (mine, read) => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    while (stream === mine) {
      const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      let code = "";
      if (canvas.width && canvas.height) {
        context.drawImage(video, 0, 0, canvas.width, canvas.height);
        // Most pictures hold no code, which the reader says by throwing.
        try { code = read(context.getImageData(0, 0, canvas.width, canvas.height)).trim(); } catch { /* The next one. */ }
      }
      if (code) {
        const fresh = code !== last.code || Date.now() - last.seen > AWAY;
        last = { code, seen: Date.now() };
        // A code too long for a badge is sent as well, cut: that it is nobody's is said as of any other.
        if (fresh) await checkIn(code.slice(0, field.maxLength));
        last.seen = last.code ? Date.now() : 0;
      }
      await new Promise((done) => { setTimeout(done, PAUSE); });
    }
  };

  const start = async () => {
    said("");
    let read;
    try {
      read = (await import(box.dataset.camera)).default;
    } catch {
      said("offline");
      return;
    }
    let mine;
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
      mine = await navigator.mediaDevices.getUserMedia({ video: wanted });
    } catch (error) {
      keep("off");
      said(FAILED[error.name] || "refused");
      return;
    }
    stop();
    stream = mine;
    last = { code: "", seen: 0 };
    mine.getVideoTracks().forEach((track) => track.addEventListener("ended", () => { stop(); said("absent"); }));
    video.srcObject = mine;
    video.hidden = false;
    button.setAttribute("aria-pressed", "true");
    await video.play();
    await look(mine, read);
  };

  box.hidden = false;
  if (!window.isSecureContext || !navigator.mediaDevices) {
    said("insecure");
    return;
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    keep(stream ? "off" : "on");
    if (stream) stop();
    else start();
  });
  window.addEventListener("pagehide", stop);
  // Who is let in by name, or by a code that is typed, gets the page anew: the camera goes on with it.
  if (keep() === "on") start();
})();
