"use strict";
// Pictures that the page can start from, or lead to, by name: "3", the fourth test image; "map-12",
// of the map; "random-7", a sample of the prior; "drawn".

const images = Uint8Array.from(bytesOf(payload.images));

/** The codes that a run starts from: those of an image, a sample of the prior, or its mean.
 *
 * A prior by class has a mean of each, and its samples are of the classes in turn.
 */
function startOf(run) {
  if (state.at && run.class_means) return Float64Array.from(run.class_means[Number(state.digit)]);
  return codesFrom(run, state.from);
}

/** The codes that a run has for one of the page's pictures. */
function codesFrom(run, from) {
  const [, kind, number] = /^(random|map)-(\d+)$/.exec(from) ?? [];
  if (kind === "map") return ImageMap.codesOf(run, Number(number));
  if (kind === "random") return sampleOf(run, Number(number));
  if (from === "drawn") return encoderOf(run) ? drawing.codeOf(run) : codesFrom(run, payload.first);
  return Float64Array.from(run.starts[from]);
}

function sampleOf(run, seed) {
  const [n, drawn, [every, nSamples]] = [run.latent_dim, floats(run.prior), samplesOf(run)];
  const first = run.class_means ? Object.keys(payload.classes).indexOf(state.digit) : 0;
  const sample = every * (seed % nSamples) + first;
  return Float64Array.from(drawn.subarray(n * sample, n * (sample + 1)));
}

/** Rows of the prior from one sample of a class to the next, and the number of samples. */
function samplesOf(run) {
  const every = run.class_means ? Object.keys(payload.classes).length : 1;
  return [every, Math.floor(floats(run.prior).length / (run.latent_dim * every))];
}

/** The name of a random sample of the prior, other than the current one. */
function anotherSample(run) {
  const [, nSamples] = samplesOf(run);
  const below = (end) => Math.floor(Math.random() * end);
  const now = Number(/^random-(\d+)$/.exec(state.from)?.[1] ?? below(nSamples));
  return `random-${(now + 1 + below(nSamples - 1)) % nSamples}`;
}

/** The pixels of one of the page's pictures; null where there are none. */
function pixelsFrom(from) {
  if (from === "drawn") return drawing.pixels;
  if (from.startsWith("random-")) return null;
  const [, image] = /^map-(\d+)$/.exec(from) ?? [];
  if (image !== undefined) return ImageMap.pixelsOf(Number(image));
  return images.subarray(Number(from) * N_VALUES, (Number(from) + 1) * N_VALUES);
}

/** The class of one of the page's pictures. */
function labelOf(from) {
  if (from === "drawn") return String(drawing.label);
  const [, image] = /^map-(\d+)$/.exec(from) ?? [];
  return String(image === undefined ? payload.labels[from] : payload.map.labels[image]);
}

/** What a pane started from: its pixels, or null, and words. */
function originOf(run) {
  if (state.at && run.class_means) return [null, `the mean of ${payload.noun} ${payload.classes[state.digit]} in the prior`];
  if (state.from === "drawn" && !encoderOf(run)) return [pixelsFrom(payload.first), imageWords(payload.first)];
  return [pixelsFrom(state.from), imageWords(state.from)];
}
