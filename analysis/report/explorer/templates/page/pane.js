"use strict";
// One configuration on the page: its picture, its meters and its sliders.

const STRIP = 10; // pictures a strip, from one end of its slider to the other

/** Give a canvas the size of so many pictures side by side. */
function sized(canvas, pictures = 1) {
  return Object.assign(canvas, { width: pictures * WIDTH, height: HEIGHT });
}

/** A copy of the first element in a template. */
function fromTemplate(name) {
  return document.getElementById(`${name}-template`).content.firstElementChild.cloneNode(true);
}

/** Draw a picture's levels: grey, or red, green and blue. */
function paint(context, pixels, x = 0) {
  const image = context.createImageData(WIDTH, HEIGHT);
  for (let i = 0; i < N_PIXELS; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[(c % CHANNELS) * N_PIXELS + i];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, x, 0);
}

class Pane {
  /** `onTurn(pane, index, value)`: a slider was moved; `ask()`: something is to be drawn. */
  constructor(properties, onTurn, ask) {
    this.element = fromTemplate("pane");
    this.heading = this.element.querySelector("h2");
    this.canvas = sized(this.element.querySelector(".picture"));
    this.context = this.canvas.getContext("2d");
    this.fold = this.element.querySelector("details");
    this.meters = properties.map((property) => this.addMeter(property));
    this.onTurn = onTurn;
    this.ask = ask;
    this.watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.row.visible = isIntersecting;
      ask();
    });
  }

  addMeter(property) {
    const element = fromTemplate("meter");
    element.dataset.property = property.name;
    element.querySelector(".name").textContent = property.title;
    this.element.querySelector(".meters").append(element);
    const part = (name) => element.querySelector(name);
    const parts = { value: part("output"), change: part(".change") };
    return { ...property, ...parts, start: part(".start"), now: part(".now") };
  }

  /** Start anew: a run, codes to measure changes from, the class, and the point to show. */
  begin(run, start, label, { codes, knobs } = pointAt(start)) {
    Object.assign(this, { run, start, label, codes, knobs, stale: true, end: null });
    this.decoder = decoderOf(run);
    this.heading.textContent = run.title;
    this.from = this.measured(this.pixelsOf(start));
  }

  /** Say what the picture started from, and show its pixels where it has some. */
  cameFrom([pixels, words]) {
    const canvas = sized(this.element.querySelector(".origin canvas"));
    canvas.hidden = !pixels;
    if (pixels) paint(canvas.getContext("2d"), pixels);
    this.element.querySelector(".origin span").textContent = `Started from ${words}`;
  }

  /** Figures of a picture, where the data set has properties that the page can measure. */
  measured(pixels) {
    return this.meters.length ? measure(pixels) : null;
  }

  pixelsOf(codes) {
    return levels(this.decoder.decode(codes, this.labelAt(codes)));
  }

  /** The class to draw; on the way between two pictures, the share of either. */
  labelAt(codes) {
    if (!this.end || this.end.label === this.label) return this.label;
    const share = Math.min(Math.max(placeOn(this.rows[0].line, { codes }), 0), 1);
    return { [this.label]: 1 - share, [this.end.label]: share };
  }

  /** Show the sliders of one basis, or the one that leads to `end`, codes and a label. */
  turn(basis, end) {
    this.end = null; // while there are no rows
    this.watch.disconnect();
    const lists = this.element.querySelectorAll(".rows");
    for (const list of lists) list.replaceChildren();
    this.last = undefined; // the slider that was moved last
    const lines = end ? [lineBetween(this.start, end.codes)] : linesOf(this.run, basis);
    this.rows = lines.map((line, index) => {
      const row = this.rowOf(line, index);
      lists[line.reacts ? 0 : 1].append(row.element);
      this.watch.observe(row.element);
      return row;
    });
    this.end = end;
    const quiet = this.rows.filter(({ line }) => !line.reacts).length;
    this.fold.hidden = !quiet;
    const what = basis === "latent" ? "latent" : "direction";
    const verb = quiet === 1 ? `${what} that does not react` : `${what}s that do not react`;
    this.fold.querySelector("summary").textContent = `${quiet} ${verb}`;
    this.element.dataset.basis = basis;
  }

  rowOf(line, index) {
    const element = fromTemplate("row");
    const part = (name) => element.querySelector(name);
    const row = { line, element, visible: false, drawn: 0 };
    Object.assign(row, { slider: part("input"), value: part("output"), strip: part(".strip") });
    row.context = sized(row.strip, STRIP).getContext("2d");
    const id = `${index}-${Math.random().toString(36).slice(2)}`;
    element.row = row;
    element.dataset.property = line.property;
    part("label").textContent = line.name;
    part("label").htmlFor = row.slider.id = `slider-${id}`;
    part(".text").textContent = line.text;
    part(".text").id = `text-${id}`;
    row.slider.setAttribute("aria-describedby", `text-${id}`);
    Object.assign(row.slider, { min: line.low, max: line.high, disabled: line.low === line.high });
    this.markOwn(row, part(".own"));
    row.slider.addEventListener("input", () => this.onTurn(this, index, row.slider.valueAsNumber));
    row.strip.addEventListener("click", (event) => {
      const { left, width } = row.strip.getBoundingClientRect();
      const picture = Math.floor((STRIP * (event.clientX - left)) / width);
      this.onTurn(this, index, this.stripValue(line, Math.min(Math.max(picture, 0), STRIP - 1)));
      row.slider.dispatchEvent(new Event("change", { bubbles: true }));
    });
    return row;
  }

  markOwn(row, mark) {
    const { line } = row;
    row.own = placeOn(line, pointAt(this.start));
    const share = (row.own - line.low) / (line.high - line.low);
    mark.hidden = !(share >= 0 && share <= 1);
    mark.style.left = `${100 * share}%`;
  }

  stripValue(line, picture) {
    return line.low + ((line.high - line.low) * picture) / (STRIP - 1);
  }

  /** Set one slider, as far as it goes; its own strip stays as it is. */
  set(index, value) {
    const { line } = this.rows[index];
    const within = Math.min(Math.max(value, line.low), line.high);
    Object.assign(this, moved(line, this, within), { stale: true, last: index });
    this.rows.forEach((row, i) => {
      if (i !== index) row.drawn = 0;
    });
  }

  /** Decode, measure and show, where anything has changed. */
  draw() {
    if (!this.stale) return;
    this.stale = false;
    this.pixels = this.pixelsOf(this.codes);
    this.figures = this.measured(this.pixels);
    paint(this.context, this.pixels);
    for (const meter of this.meters) this.drawMeter(meter);
    for (const row of this.rows) this.drawSlider(row);
    this.canvas.setAttribute("aria-label", this.description());
  }

  drawMeter({ column, unit, low, high, value, change, start, now }) {
    const place = (figure) => `${100 * Math.min(Math.max((figure - low) / (high - low), 0), 1)}%`;
    const [figure, from] = [this.figures?.[column], this.from?.[column]];
    value.textContent = this.figures ? valueText({ unit }, figure) : "nothing to measure";
    const both = this.figures && this.from;
    change.textContent = both ? valueText({ signed: true }, figure - from) : "";
    if (this.figures) now.style.left = place(figure);
    if (this.from) start.style.left = place(from);
  }

  drawSlider(row) {
    const { line, slider } = row;
    const place = placeOn(line, this);
    const meter = this.meters.find(({ name }) => name === line.property);
    const value = valueText(line, place) + this.obtained(line, meter);
    const shown = meter && this.figures ? `, ${line.property} ${meter.value.textContent}` : "";
    if (row.text === value + shown) return;
    row.text = value + shown;
    slider.value = place;
    row.value.textContent = value;
    slider.setAttribute("aria-valuetext", `${value}, ${shown ? shown.slice(2) : line.property}`);
  }

  /** What a knob has obtained on this picture, beside what was asked of it; "" before any turns. */
  obtained(line, meter) {
    if (!this.knobs.some(Boolean)) return "";
    if (line.knob === undefined || !meter?.change.textContent) return "";
    return ` asked, ${meter.change.textContent} obtained`;
  }

  description() {
    const { noun, classes } = payload;
    const named = `${noun[0].toUpperCase()}${noun.slice(1)} ${classes[this.label]}`;
    const what = this.run.classes ? named : noun === "digit" ? "A digit" : "A picture";
    const figures = this.meters.map(({ name, value }) => `${name} ${value.textContent}`);
    return [`${what} drawn by ${this.run.title}`, figures.join(", ")].filter(Boolean).join(": ");
  }

  /** Draw what is missing of the strips in sight; true where time ran out. */
  drawStrips(until) {
    for (const row of this.rows) {
      while (row.visible && row.drawn < STRIP) {
        if (performance.now() > until) return true;
        const value = this.stripValue(row.line, row.drawn);
        const { codes } = moved(row.line, this, value);
        paint(row.context, this.pixelsOf(codes), WIDTH * row.drawn);
        row.drawn += 1;
      }
    }
    return false;
  }
}
