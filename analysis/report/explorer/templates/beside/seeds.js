"use strict";
// The same start and the same moves in the other seeds of a configuration: where they disagree.

class Seeds {
  /** `onPick(run, point)`: another seed was chosen; `aside` has the element on small pages. */
  constructor(element, aside, onPick) {
    Object.assign(this, { element, aside, onPick, thumbs: [], note: element.querySelector(".note") });
    this.wide = matchMedia("(min-width: 861px)");
    this.wide.addEventListener("change", () => this.settle());
  }

  /** Take a place below the picture, or where that is small beside the map. */
  settle() {
    const alone = panes.length === 1 && this.wide.matches;
    const place = alone ? this.pane.element.querySelector(".stage") : this.aside;
    if (this.element.parentElement !== place) place.append(this.element);
  }

  /** Show the seeds beside a pane; `startOf(run)` and `endOf(run)` are where each begins and ends. */
  show(pane, basis, startOf, endOf) {
    const runs = payload.runs.filter(({ group, run }) => group === pane.run.group && run !== pane.run.run);
    this.element.hidden = !runs.length;
    Object.assign(this, { pane, basis });
    this.settle();
    this.thumbs = runs.map((run) => this.thumbOf(run, startOf(run), endOf?.(run)));
    this.element.querySelector(".thumbs").replaceChildren(...this.thumbs.map(({ button }) => button));
    const heading = `Seed ${pane.run.seed}, and the other seeds`;
    this.element.querySelector("h2").textContent = heading;
    this.note.textContent = seedWords(basis, pane.run.agreement);
  }

  thumbOf(run, start, end) {
    const button = fromTemplate("seed");
    const lines = end ? [lineBetween(start, end.codes)] : run.bases[this.basis] ? linesOf(run, this.basis) : [];
    const thumb = { run, start, button, lines, stale: true, point: pointAt(start) };
    thumb.context = sized(button.querySelector("canvas")).getContext("2d");
    button.querySelector("b").textContent = `seed ${run.seed}`;
    button.addEventListener("click", () => this.onPick(run, thumb.point));
    thumb.from = null; // figures of the start, measured once
    thumb.partners = this.pane.rows.map(({ line }) => partnerOf(line, lines));
    return thumb;
  }

  /** Something was moved. */
  follow() {
    for (const thumb of this.thumbs) thumb.stale = true;
  }

  /** Draw what is not up to date; true where time ran out. */
  draw(until) {
    for (const thumb of this.thumbs) {
      if (!thumb.stale) continue;
      if (performance.now() > until) return true;
      thumb.stale = false;
      thumb.point = this.pointOf(thumb);
      const label = this.pane.labelAt(this.pane.codes);
      const pixels = levels(decoderOf(thumb.run).decode(thumb.point.codes, label));
      paint(thumb.context, pixels);
      thumb.button.querySelector("span").textContent = this.wordsOf(thumb, pixels);
    }
    return false;
  }

  /** Where a seed is after the moves of the pane. */
  pointOf({ start, lines, partners }) {
    let point = pointAt(start);
    this.pane.rows.forEach(({ line, own }, i) => {
      const way = placeOn(line, this.pane) - own;
      const mate = lines[partners[i]];
      if (!mate || Math.abs(way) < 1e-6) return;
      const value = placeOn(mate, point) + way;
      point = moved(mate, point, Math.min(Math.max(value, mate.low), mate.high));
    });
    return point;
  }

  /** What the slider that was moved last is in that seed, and what it did to the picture. */
  wordsOf(thumb, pixels) {
    const { run, start, lines, partners } = thumb;
    const mate = lines[partners[this.pane.last]];
    if (!mate || this.basis === "between") return "";
    const property = payload.properties.find(({ name }) => name === this.pane.rows[this.pane.last].line.property);
    if (mate.knob === undefined || !property) return mate.name;
    thumb.from ??= measure(levels(decoderOf(run).decode(start, this.pane.label)));
    const figures = measure(pixels);
    if (!thumb.from || !figures) return mate.name;
    const way = figures[property.column] - thumb.from[property.column];
    return `${property.name} ${valueText({ signed: true, unit: property.unit }, way)}`;
  }
}

/** The index of the line of another seed that has the same number: knob, latent or component. */
function partnerOf(line, lines) {
  const number = ({ knob, latent, name }) => knob ?? latent ?? /\d+/.exec(name)?.[0];
  return lines.findIndex((one) => number(one) === number(line));
}
