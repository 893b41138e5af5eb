"use strict";
// Sliders as straight lines through the latent space. The value of a slider is
// reader . (codes - centre); to set it, the codes move along the slider's step.

const ALIGNED = new Set(["thickness", "slant", "width"]);

/** The sliders of one basis of a run, in the order in which the page shows them. */
function linesOf(run, basis) {
  const { rows, steps, readers, centre } = run.bases[basis];
  const n = run.latent_dim;
  const matrices = steps && { steps: floats(steps), readers: floats(readers) };
  const middle = centre && floats(centre);
  return rows.map((row, i) => {
    const take = (matrix) => matrix.subarray(i * n, (i + 1) * n);
    const unit = () => Float32Array.from({ length: n }, (_, k) => (k === row.latent ? 1 : 0));
    const [step, reader] = matrices ? [take(matrices.steps), take(matrices.readers)] : [unit(), unit()];
    return { ...row, step, reader, centre: middle };
  });
}

/** Where codes are along a line; a knob counts from the start. */
function placeOn(line, codes, start) {
  const centre = line.centre ?? (line.relative ? start : null);
  let place = 0;
  for (let i = 0; i < codes.length; i++) {
    place += line.reader[i] * (codes[i] - (centre ? centre[i] : 0));
  }
  return place;
}

/** Codes moved to a value of a line; the rest of them stays. */
function moved(line, codes, start, value) {
  const way = value - placeOn(line, codes, start);
  return codes.map((code, i) => code + way * line.step[i]);
}

/** The slider's value as text, with the unit of what it counts. */
function valueText(line, value) {
  const sign = line.relative && value >= 0.005 ? "+" : "";
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
