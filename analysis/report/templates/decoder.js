"use strict";
// Decoders: 16-bit weights out of the page, and their forward pass.

const SIDE = 28;
const N_PIXELS = SIDE * SIDE;

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

/** J (and a label) - hidden tanh - 784 sigmoid, as study.vae has it. */
class Decoder {
  constructor({ latent_dim, hidden, classes, weights }) {
    Object.assign(this, { latentDim: latent_dim, hidden, classes });
    this.inWeight = halves(weights.hidden_weight); // (hidden, latent_dim + classes)
    this.inBias = halves(weights.hidden_bias);
    this.outWeight = halves(weights.output_weight); // (784, hidden)
    this.outBias = halves(weights.output_bias);
    this.units = new Float64Array(hidden);
  }

  /** Probabilities of the 784 pixels; only a conditioned model reads the digit. */
  decode(codes, digit) {
    const { units, hidden, latentDim } = this;
    const width = latentDim + this.classes;
    for (let unit = 0; unit < hidden; unit++) {
      const row = unit * width;
      let sum = this.inBias[unit];
      for (let i = 0; i < latentDim; i++) sum += this.inWeight[row + i] * codes[i];
      if (this.classes) sum += this.inWeight[row + latentDim + digit];
      units[unit] = Math.tanh(sum);
    }
    const picture = new Float32Array(N_PIXELS);
    for (let pixel = 0; pixel < N_PIXELS; pixel++) {
      picture[pixel] = 1 / (1 + Math.exp(-this.outBias[pixel] - this.dot(pixel * hidden)));
    }
    return picture;
  }

  /** One row of the output layer times the hidden units; four sums keep the processor busy. */
  dot(row) {
    const { units, hidden, outWeight } = this;
    let [a, b, c, d] = [0, 0, 0, 0];
    let i = 0;
    for (; i + 3 < hidden; i += 4) {
      a += units[i] * outWeight[row + i];
      b += units[i + 1] * outWeight[row + i + 1];
      c += units[i + 2] * outWeight[row + i + 2];
      d += units[i + 3] * outWeight[row + i + 3];
    }
    for (; i < hidden; i++) a += units[i] * outWeight[row + i];
    return a + b + c + d;
  }
}

/** Probabilities as whole grey levels, 0 to 255. */
function greyLevels(picture) {
  const pixels = new Uint8Array(picture.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.round(255 * picture[i]);
  return pixels;
}
