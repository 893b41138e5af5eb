"use strict";
// What the page was given, and its decoders: 16-bit weights, and their forward pass.

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

/** Half-precision numbers of a base64 string, as 32-bit ones; weights are finite. */
function halves(text) {
  const bits = new Uint16Array(bytesOf(text).buffer);
  const scale = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** ((exponent || 1) - 25));
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const exponent = (bits[i] >> 10) & 31;
    const size = ((bits[i] & 1023) + (exponent ? 1024 : 0)) * scale[exponent];
    numbers[i] = bits[i] & 0x8000 ? -size : size;
  }
  return numbers;
}

const ACTIVATIONS = {
  linear: (values) => values,
  relu: (values) => values.map((value) => Math.max(value, 0)),
  sigmoid: (values) => values.map((value) => 1 / (1 + Math.exp(-value))),
  tanh: (values) => values.map(Math.tanh),
};

/** A layer of the payload with its numbers: weight (outputs, inputs), bias (outputs). */
function layerOf({ inputs, outputs, weight, bias, activation }) {
  const parts = { weight: halves(weight), bias: halves(bias), activate: ACTIVATIONS[activation] };
  return { inputs, outputs, ...parts };
}

/** A run's decoder: dense layers, one after the other. */
class Decoder {
  constructor({ latent_dim, classes, layers }) {
    Object.assign(this, { latentDim: latent_dim, classes, layers: layers.map(layerOf) });
  }

  /** The picture, N_VALUES in [0, 1]; only a conditioned model reads the class. */
  decode(codes, label) {
    let values = new Float64Array(this.latentDim + this.classes);
    values.set(codes);
    if (this.classes) values[this.latentDim + label] = 1;
    for (const layer of this.layers) values = layer.activate(dense(layer, values));
    return Float32Array.from(values);
  }
}

/** Weight times inputs, plus bias; four sums keep the processor busy. */
function dense({ inputs, outputs, weight, bias }, values) {
  const sums = new Float64Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const row = output * inputs;
    let [a, b, c, d] = [bias[output], 0, 0, 0];
    let i = 0;
    for (; i + 3 < inputs; i += 4) {
      a += values[i] * weight[row + i];
      b += values[i + 1] * weight[row + i + 1];
      c += values[i + 2] * weight[row + i + 2];
      d += values[i + 3] * weight[row + i + 3];
    }
    for (; i < inputs; i++) a += values[i] * weight[row + i];
    sums[output] = a + b + c + d;
  }
  return sums;
}

/** A picture's values as whole levels, 0 to 255. */
function levels(picture) {
  const pixels = new Uint8Array(picture.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.round(255 * Math.min(Math.max(picture[i], 0), 1));
  return pixels;
}
