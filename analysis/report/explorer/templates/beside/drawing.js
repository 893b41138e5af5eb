"use strict";
// A digit of one's own: a pad to draw on, and what the model gets of it.

const PEN = 24; // pixels of the pad: 2.4 of the picture for a digit of 200, as in MNIST

class Drawing {
  /** `onDraw()`: the ink or its class has changed; `modelOf()`: the run that reads it. */
  constructor(element, onDraw, modelOf) {
    const part = (name) => element.querySelector(name);
    Object.assign(this, { onDraw, modelOf, note: part(".note"), pixels: null, label: 0 });
    this.pad = part(".pad");
    this.ink = this.pad.getContext("2d", { willReadFrequently: true });
    this.small = sized(part(".centred")).getContext("2d");
    this.as = part(".drawn-as");
    for (const label of Object.keys(payload.classes)) this.menu.append(new Option(label, label));
    this.menu.addEventListener("change", () => {
      this.label = Number(this.menu.value);
      this.tell();
      onDraw();
    });
    part(".clear").addEventListener("click", () => this.clear());
    this.listen();
    this.clear();
  }

  get menu() {
    return this.as.querySelector("select");
  }

  clear() {
    this.ink.fillStyle = "#000";
    this.ink.fillRect(0, 0, this.pad.width, this.pad.height);
    this.small.fillStyle = "#000";
    this.small.fillRect(0, 0, WIDTH, HEIGHT);
    this.pixels = null;
    this.tell();
  }

  listen() {
    let last = null;
    const place = ({ clientX, clientY }) => {
      const { left, top, width, height } = this.pad.getBoundingClientRect();
      const { width: w, height: h } = this.pad;
      return [((clientX - left) * w) / width, ((clientY - top) * h) / height];
    };
    this.pad.addEventListener("pointerdown", (event) => {
      if (!encoderOf(this.modelOf())) return;
      this.pad.setPointerCapture(event.pointerId);
      last = place(event);
      this.line(last, last);
      event.preventDefault();
    });
    this.pad.addEventListener("pointermove", (event) => {
      if (!last) return;
      const now = place(event);
      this.line(last, now);
      last = now;
    });
    const end = () => {
      if (last) this.read();
      last = null;
    };
    this.pad.addEventListener("pointerup", end);
    this.pad.addEventListener("pointercancel", end);
  }

  line(from, to) {
    Object.assign(this.ink, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round" });
    this.ink.beginPath();
    this.ink.moveTo(...from);
    this.ink.lineTo(...to);
    this.ink.stroke();
  }

  /** Read the pad: bring the ink into MNIST's form and guess its class. */
  read() {
    const { width } = this.pad;
    const { data } = this.ink.getImageData(0, 0, width, width);
    const pixels = centredInk(Uint8Array.from({ length: width * width }, (_, i) => data[4 * i]), width);
    if (!pixels) return;
    this.pixels = pixels;
    paint(this.small, pixels);
    this.label = this.guess();
    this.menu.value = this.label;
    this.tell();
    this.onDraw();
  }

  /** The code of the drawing for a run. */
  codeOf(run) {
    return encoderOf(run).encode(this.pixels, this.label);
  }

  /** The class with which a model that reads it draws the picture best; 0 where none does. */
  guess() {
    const able = [this.modelOf(), ...payload.runs].find((run) => run.classes && encoderOf(run));
    if (!able) return 0;
    const [encoder, decoder] = [encoderOf(able), decoderOf(able)];
    const losses = Object.keys(payload.classes).map((name) => {
      const label = Number(name);
      const codes = encoder.encode(this.pixels, label);
      // A prior by class has an opinion too: how far the code is from where the class should be.
      const mean = able.class_means?.[label] ?? codes;
      const far = codes.reduce((sum, code, i) => sum + (code - mean[i]) ** 2 / 2, 0);
      return [this.loss(decoder.decode(codes, label)) + far, label];
    });
    return losses.reduce((best, one) => (one[0] < best[0] ? one : best))[1];
  }

  /** Cross-entropy of the drawing and a picture, in nats. */
  loss(picture) {
    let sum = 0;
    picture.forEach((value, i) => {
      const [p, x] = [Math.min(Math.max(value, 1e-6), 1 - 1e-6), this.pixels[i] / 255];
      sum -= x * Math.log(p) + (1 - x) * Math.log(1 - p);
    });
    return sum;
  }

  /** Say what there is to do, or what became of the drawing. */
  tell() {
    const run = this.modelOf();
    const reads = run && encoderOf(run);
    this.as.hidden = !(reads && run.classes && this.pixels);
    this.pad.classList.toggle("off", !!run && !reads);
    this.note.textContent = drawingWords({ run, reads, drawn: !!this.pixels });
  }
}
