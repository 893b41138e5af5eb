"use strict";
// Sliders as lines through the latent space. The value of a slider is reader . (codes - centre); to
// set it, the codes move along the slider's step. A knob remembers how far it was turned instead: it
// moves the codes along a path of straight pieces, between places of which the shifts are given.

const ALIGNED = new Set(payload.properties.map(({ name }) => name));

/** The sliders of one basis of a run, in the order in which the page shows them. */
function linesOf(run, basis) {
  const { rows, steps, readers, centre } = run.bases[basis];
  const n = run.latent_dim;
  const [allSteps, allReaders, middle] = [steps, readers, centre].map((text) => text && floats(text));
  return rows.map((row, i) => {
    const take = (matrix) => matrix?.subarray(i * n, (i + 1) * n);
    const unit = Float32Array.from({ length: n }, (_, k) => (k === row.latent ? 1 : 0));
    const [step, reader] = [take(allSteps) ?? unit, take(allReaders) ?? unit];
    return { ...row, step, reader, centre: middle, shifts: row.shifts && floats(row.shifts) };
  });
}

/** The straight line from one code to another: 0 is the first picture, 1 the second. */
function lineBetween(start, end) {
  const step = end.map((code, i) => code - start[i]);
  const square = step.reduce((sum, way) => sum + way * way, 0);
  const reader = step.map((way) => (square ? way / square : 0));
  const words = { name: "First to second picture", property: "between", text: "", reacts: true };
  return { ...words, sign: 1, unit: "", low: 0, high: 1, step, reader, centre: start };
}

/** Where a point, its codes and how far its knobs were turned, is along a line. */
function placeOn(line, { codes, knobs }) {
  if (line.knob !== undefined) return knobs[line.knob];
  let place = 0;
  for (let i = 0; i < codes.length; i++) {
    place += line.reader[i] * (codes[i] - (line.centre ? line.centre[i] : 0));
  }
  return place;
}

/** A point moved to a value of a line; the rest of it stays. */
function moved(line, point, value) {
  const way = value - placeOn(line, point);
  if (line.knob === undefined) {
    return { codes: point.codes.map((code, i) => code + way * line.step[i]), knobs: point.knobs };
  }
  const [from, to] = [shiftOf(line, value - way), shiftOf(line, value)];
  const knobs = point.knobs.map((turn, k) => turn + (k === line.knob ? way : 0));
  return { codes: point.codes.map((code, i) => code + to[i] - from[i]), knobs };
}

/** How far a knob shifts the codes at a value of it, between its ends. */
function shiftOf({ asked, shifts }, value) {
  const n = shifts.length / asked.length;
  const within = Math.min(Math.max(value, asked[0]), asked.at(-1));
  const after = Math.max(asked.findIndex((place) => place >= within), 0);
  const before = Math.max(after - 1, 0);
  const gap = asked[after] - asked[before];
  const share = gap ? (within - asked[before]) / gap : 0;
  return Float64Array.from({ length: n }, (_, i) => {
    const [low, high] = [shifts[before * n + i], shifts[after * n + i]];
    return low + share * (high - low);
  });
}

/** The point of codes with no knob turned. */
function pointAt(codes) {
  return { codes, knobs: new Float64Array(ALIGNED.size) };
}

/** The slider's value as text, with the unit of what it counts. */
function valueText(line, value) {
  const sign = line.signed && value >= 0.005 ? "+" : "";
  const digits = Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2);
  return `${sign}${digits}`.replace("-", "\u2212") + (line.unit ? ` ${line.unit}` : "");
}

/** For each line the index of its partner in another list, or -1.
 *
 * Lines aligned with one property go together, the strongest first; the rest pair by their place.
 */
function couple(lines, others) {
  const partners = new Array(lines.length).fill(-1);
  const free = new Set(others.keys());
  const pair = (i, j) => {
    partners[i] = j;
    free.delete(j);
  };
  lines.forEach((line, i) => {
    const j = [...free].find((k) => others[k].property === line.property);
    if (ALIGNED.has(line.property) && j !== undefined) pair(i, j);
  });
  lines.forEach((_, i) => {
    const [j] = free;
    if (partners[i] < 0 && j !== undefined) pair(i, j);
  });
  return partners;
}

/** Whether two coupled lines move their property opposite ways. */
function opposed(line, other) {
  return line.property === other.property && line.sign * other.sign < 0;
}
