// Badges before the camera, where the browser can read them. The field, and a scanner that types, work without it.
"use strict";
(() => {
  const box = document.querySelector("[data-camera]");
  const field = document.getElementById("code");
  if (!box || !field) return;
  const AGAIN = 5000;
  const button = box.querySelector("button");
  const video = box.querySelector("video");
  const said = (name) => {
    box.querySelectorAll("[data-says]").forEach((one) => { one.hidden = one.dataset.says !== name; });
  };
  const kept = (name, value) => {
    try {
      if (value === undefined) return window.sessionStorage.getItem(name);
      window.sessionStorage.setItem(name, value);
    } catch { /* A browser that keeps nothing asks once more. */ }
    return null;
  };
  box.hidden = false;
  let stream = null;

  const stop = () => {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    button.setAttribute("aria-pressed", "false");
  };

  const look = async (detector) => {
    while (stream) {
      let found = [];
      try { found = await detector.detect(video); } catch { /* The first pictures may be none yet. */ }
      const code = found.length ? found[0].rawValue.trim() : "";
      const [at, ...words] = (kept("door.last") || "0").split(" ");
      const again = code === words.join(" ") && Date.now() - Number(at) < AGAIN;
      if (code && code.length <= 100 && !again) {
        kept("door.last", `${Date.now()} ${code}`);
        stop();
        field.value = code;
        field.form.requestSubmit();
        return;
      }
      await new Promise((done) => { setTimeout(done, 150); });
    }
  };

  const start = async (detector) => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      kept("door.camera", "off");
      said("refused");
      return;
    }
    said("");
    video.srcObject = stream;
    video.hidden = false;
    button.setAttribute("aria-pressed", "true");
    await video.play();
    await look(detector);
  };

  const begin = async () => {
    if (!window.isSecureContext || !navigator.mediaDevices) {
      said("insecure");
      return;
    }
    const kinds = "BarcodeDetector" in window ? await window.BarcodeDetector.getSupportedFormats() : [];
    if (!kinds.includes("qr_code")) {
      said("unable");
      return;
    }
    const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    button.hidden = false;
    button.addEventListener("click", () => {
      if (stream) {
        kept("door.camera", "off");
        stop();
      } else {
        kept("door.camera", "on");
        start(detector);
      }
    });
    // The page comes anew after each badge; the camera goes on with it.
    if (kept("door.camera") === "on") start(detector);
  };
  window.addEventListener("pagehide", stop);
  begin();
})();
