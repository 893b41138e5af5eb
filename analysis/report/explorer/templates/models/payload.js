"use strict";
// What the page was given, and how its numbers are read.

const payload = JSON.parse(document.getElementById("payload").textContent);
const { channels: CHANNELS, height: HEIGHT, width: WIDTH } = payload.image;
const N_PIXELS = HEIGHT * WIDTH;
const N_VALUES = CHANNELS * N_PIXELS; // of a picture, channel by channel

/** The bytes of a base64 string. */
function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** 32-bit numbers of a base64 string. */
function floats(text) {
  return new Float32Array(bytesOf(text).buffer);
}

/** The bytes that were deflated and put into base64. */
async function inflated(text) {
  const plain = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

/** Half-precision numbers as 32-bit ones; weights are finite. */
function halves(bytes) {
  const bits = new Uint16Array(bytes.buffer);
  const scale = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** ((exponent || 1) - 25));
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const exponent = (bits[i] >> 10) & 31;
    const size = ((bits[i] & 1023) + (exponent ? 1024 : 0)) * scale[exponent];
    numbers[i] = bits[i] & 0x8000 ? -size : size;
  }
  return numbers;
}

/** Weights as whole numbers of steps, or where there is no step in half precision. */
function weightsOf(bytes, step) {
  return step ? Float32Array.from(new Int8Array(bytes.buffer), (level) => step * level) : halves(bytes);
}

/** Inflate all that is deflated, in its place: weights, biases, the images of the map. */
function unpack() {
  const layers = payload.runs.flatMap(({ decoder, encoder }) => [...decoder, ...encoder]);
  const places = [...layers.flatMap((layer) => [[layer, "weight"], [layer, "bias"]]), [payload.map, "images"]];
  return Promise.all(places.map(async ([owner, name]) => (owner[name] = await inflated(owner[name]))));
}
