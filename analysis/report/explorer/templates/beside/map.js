"use strict";
// The map: test images where their codes lie, in the codes' two principal components.

const MAP_SIZE = 292; // CSS pixels
const EDGE = 10; // between the outermost image and the border
const PALETTE = [
  ...["#d93a3a", "#2a9d3f", "#ad8700", "#4474e8", "#e07020"],
  ...["#a556d6", "#1598a8", "#d046b0", "#7a9420", "#a8704c"],
];

const COLOURED = payload.n_classes > 1 && payload.n_classes <= PALETTE.length;
const SHORT = Object.values(payload.classes).every((name) => name.length <= 2);

class ImageMap {
  /** `onPick(image)`: an image of the map was chosen, by its place among them. */
  constructor(element, onPick) {
    const part = (name) => element.querySelector(name);
    Object.assign(this, { onPick, note: part(".note"), here: part(".here"), way: part(".way line") });
    this.canvas = part(".points");
    this.peek = sized(part(".peek"));
    this.plot = part(".plot");
    this.at = -1; // the image that the keyboard is on
    this.canvas.addEventListener("pointermove", (event) => this.look(this.nearest(event)));
    this.canvas.addEventListener("pointerleave", () => this.look(-1));
    this.canvas.addEventListener("click", (event) => this.pick(this.nearest(event)));
    this.canvas.addEventListener("keydown", (event) => this.step(event));
    this.canvas.addEventListener("blur", () => this.look(-1));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Show the codes of a run. */
  show(run) {
    if (this.run === run) return;
    const [codes, axes, centre] = ["codes", "axes", "centre"].map((name) => floats(run.map[name]));
    Object.assign(this, { run, codes, axes, centre });
    const n = run.latent_dim;
    this.places = payload.map.labels.map((_, i) => this.project(codes.subarray(n * i, n * (i + 1))));
    const sides = [0, 1].map((axis) => extent(this.places.map((place) => place[axis])));
    const span = Math.max(...sides.map(([low, high]) => high - low)) || 1;
    this.middle = sides.map(([low, high]) => (low + high) / 2);
    this.scale = (MAP_SIZE - 2 * EDGE) / span;
    this.note.textContent = mapWords(run, this.places.length);
    this.tellColours();
    this.canvas.setAttribute("aria-label", `Map of ${this.places.length} test images. Arrow keys go to the next image, Enter chooses it.`);
    this.draw();
  }

  /** Which colour is which class, where the names are too long to stand on the map. */
  tellColours() {
    const legend = this.plot.parentElement.querySelector(".legend");
    const names = COLOURED && !SHORT ? Object.entries(payload.classes) : [];
    legend.replaceChildren(
      ...names.map(([label, name]) => {
        const entry = Object.assign(document.createElement("span"), { textContent: name });
        entry.style.color = PALETTE[label];
        return entry;
      })
    );
  }

  /** Coordinates of a code along the two axes. */
  project(code) {
    const n = this.run.latent_dim;
    return [0, 1].map((axis) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += this.axes[axis * n + i] * (code[i] - this.centre[i]);
      return sum;
    });
  }

  /** CSS pixels of coordinates; the second axis points up. */
  pixel([x, y]) {
    const [cx, cy] = this.middle;
    return [MAP_SIZE / 2 + (x - cx) * this.scale, MAP_SIZE / 2 - (y - cy) * this.scale];
  }

  /** The codes of an image of the map, for any run. */
  static codesOf(run, image) {
    const n = run.latent_dim;
    return Float64Array.from(floats(run.map.codes).subarray(n * image, n * (image + 1)));
  }

  draw() {
    const ratio = Math.max(1, window.devicePixelRatio || 1);
    Object.assign(this.canvas, { width: MAP_SIZE * ratio, height: MAP_SIZE * ratio });
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "600 10px system-ui, sans-serif";
    Object.assign(context, { textAlign: "center", textBaseline: "middle", globalAlpha: 0.8 });
    const [labels, plain] = [payload.map.labels, getComputedStyle(this.canvas).color];
    this.places.forEach((place, i) => {
      const [x, y] = this.pixel(place);
      context.fillStyle = COLOURED ? PALETTE[labels[i]] : plain;
      if (COLOURED && SHORT) context.fillText(payload.classes[labels[i]], x, y);
      else context.fillRect(x - 2, y - 2, 4, 4);
    });
  }

  /** Mark where the codes of the picture are, and the way from the start, within the map. */
  mark(start, now) {
    const within = (code) => this.pixel(this.project(code)).map((at) => Math.min(Math.max(at, 4), MAP_SIZE - 4));
    const [[x1, y1], [x2, y2]] = [within(start), within(now)];
    this.here.style.left = `${(100 * x2) / MAP_SIZE}%`;
    this.here.style.top = `${(100 * y2) / MAP_SIZE}%`;
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) this.way.setAttribute(name, value);
  }

  nearest({ clientX, clientY }) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const at = [clientX - left, clientY - top].map((way) => (way * MAP_SIZE) / width);
    const apart = this.places.map((place) => {
      const [x, y] = this.pixel(place);
      return Math.hypot(x - at[0], y - at[1]);
    });
    return apart.indexOf(Math.min(...apart));
  }

  /** Show an image of the map beside its place; -1: none. */
  look(image) {
    this.at = image < 0 ? this.at : image;
    this.peek.hidden = image < 0;
    if (image < 0) return;
    paint(this.peek.getContext("2d"), ImageMap.pixelsOf(image));
    const [x, y] = this.pixel(this.places[image]);
    this.peek.style.left = `${(100 * x) / MAP_SIZE}%`;
    this.peek.style.top = `${(100 * y) / MAP_SIZE}%`;
    this.peek.classList.toggle("left", x > MAP_SIZE / 2);
    this.peek.classList.toggle("up", y > MAP_SIZE / 2);
  }

  static pixelsOf(image) {
    return payload.map.images.subarray(image * N_VALUES, (image + 1) * N_VALUES);
  }

  pick(image) {
    this.look(image);
    this.onPick(image);
  }

  /** Arrow keys: the nearest image that way. */
  step(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (event.key === "Enter" && this.at >= 0) this.pick(this.at);
    if (!way) return;
    event.preventDefault();
    if (this.at < 0) return this.look(0);
    const [x, y] = this.pixel(this.places[this.at]);
    const far = this.places.map((place) => {
      const [dx, dy] = this.pixel(place).map((at, axis) => at - [x, y][axis]);
      const [along, across] = [dx * way[0] + dy * way[1], Math.abs(dx * way[1]) + Math.abs(dy * way[0])];
      return along > 0.5 ? along + 2 * across : Infinity;
    });
    const next = far.indexOf(Math.min(...far));
    if (far[next] === Infinity) return;
    this.look(next);
    say(imageWords(`map-${next}`));
  }
}
