"use strict";
// A run's networks: layers, one after the other.

/** Values through layers; the label joins them where a layer takes more than comes in. */
function through(layers, values, label) {
  for (const layer of layers) {
    if (layer.inputs > values.length) values = withLabel(values, label, layer.inputs);
    values = layer.activate(layer.product(layer, values));
  }
  return values;
}

/** Values with the one-hot label at their end, n numbers; a label is a class, or shares of classes. */
function withLabel(values, label, n) {
  const more = new Float64Array(n);
  more.set(values);
  for (const [one, share] of Object.entries(typeof label === "object" ? label : { [label]: 1 })) {
    more[values.length + Number(one)] += share;
  }
  return more;
}

/** A run's decoder: the picture of codes, N_VALUES in [0, 1]; not every one reads the class. */
class Decoder {
  constructor({ decoder }) {
    this.layers = decoder.map(layerOf);
  }

  decode(codes, label) {
    return Float32Array.from(through(this.layers, Float64Array.from(codes), label));
  }
}

/** A run's encoder: the means of the code of a picture's levels; not every one reads the class. */
class Encoder {
  constructor({ encoder, latent_dim }) {
    Object.assign(this, { layers: encoder.map(layerOf), latentDim: latent_dim });
  }

  encode(pixels, label) {
    const values = Float64Array.from(pixels, (level) => level / 255);
    return Float64Array.from(through(this.layers, values, label).subarray(0, this.latentDim));
  }
}

/** A picture's values as whole levels, 0 to 255. */
function levels(picture) {
  const pixels = new Uint8Array(picture.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.round(255 * Math.min(Math.max(picture[i], 0), 1));
  return pixels;
}

const made = new Map(); // networks, which several parts of the page use

/** The decoder of a run, made at its first use. */
function decoderOf(run) {
  const key = `decoder ${run.run}`;
  if (!made.has(key)) made.set(key, new Decoder(run));
  return made.get(key);
}

/** The encoder of a run; null where the page cannot run it. */
function encoderOf(run) {
  const key = `encoder ${run.run}`;
  if (!made.has(key)) made.set(key, run.encoder.length ? new Encoder(run) : null);
  return made.get(key);
}
