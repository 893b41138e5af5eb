"use strict";
// A run's decoder: its layers, one after the other.

class Decoder {
  constructor({ latent_dim, layers }) {
    Object.assign(this, { latentDim: latent_dim, layers: layers.map(layerOf) });
  }

  /** The picture, N_VALUES in [0, 1]; only a decoder with inputs for it reads the class. */
  decode(codes, label) {
    let values = new Float64Array(this.layers[0].inputs);
    values.set(codes);
    if (values.length > this.latentDim) values[this.latentDim + label] = 1;
    for (const layer of this.layers) values = layer.activate(layer.product(layer, values));
    return Float32Array.from(values);
  }
}

/** A picture's values as whole levels, 0 to 255. */
function levels(picture) {
  const pixels = new Uint8Array(picture.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.round(255 * Math.min(Math.max(picture[i], 0), 1));
  return pixels;
}
