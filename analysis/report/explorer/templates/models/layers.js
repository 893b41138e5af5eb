"use strict";
// Layers of networks, as analysis/report/explorer/layers.py has them: dense ones and convolutions,
// forwards or transposed. Maps are flattened as in PyTorch: channels first, then rows, then columns.

/** A function of one number as one of all numbers of an array, in place. */
const each = (change) => (values) => {
  for (let i = 0; i < values.length; i++) values[i] = change(values[i]);
  return values;
};

const ACTIVATIONS = {
  linear: (values) => values,
  relu: each((value) => Math.max(value, 0)),
  tanh: each(Math.tanh),
  sigmoid: each((value) => 1 / (1 + Math.exp(-value))),
  // Near 0 both terms are large: there, the start of their difference as a series.
  continuous_bernoulli: each((value) =>
    Math.abs(value) < 0.01 ? 0.5 + value / 12 : 1 / (1 - Math.exp(-value)) - 1 / value
  ),
};

/** A layer of the payload, ready to run: `activate(product(layer, values))`. */
function layerOf({ inputs, outputs, weight, bias, step, activation, convolution }) {
  const layer = { inputs, outputs, weight: weightsOf(weight, step), bias: halves(bias) };
  const parts = convolution
    ? { ...laidOut(layer.weight, convolution), product: convolve }
    : { product: dense };
  return { ...layer, ...parts, activate: ACTIVATIONS[activation] };
}

/** Weight (outputs, inputs) times inputs, plus bias; four sums keep the processor busy. */
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

/** What `convolve` runs through, prepared once.
 *
 * Weights (inputs, outputs, rows, columns) come to lie as (outputs / 4, rows, columns, inputs, 4),
 * as they are read: four outputs at a time, with zeros for those beyond the last.
 */
function laidOut(weight, { inputs, outputs, kernel, stride, padding, transposed }) {
  const terms = transposed ? taps : forwardTaps;
  const [nInputs, nOutputs, area] = [inputs[0], outputs[0], kernel[0] * kernel[1]];
  const nFours = Math.ceil(nOutputs / 4);
  const fours = new Float32Array(nFours * area * nInputs * 4);
  for (let i = 0; i < weight.length; i++) {
    const place = i % area;
    const output = Math.floor(i / area) % nOutputs;
    const input = Math.floor(i / (area * nOutputs));
    const four = Math.floor(output / 4) * area + place;
    fours[(four * nInputs + input) * 4 + (output % 4)] = weight[i];
  }
  const [rowTaps, columnTaps] = [0, 1].map((axis) =>
    terms(inputs[axis + 1], outputs[axis + 1], kernel[axis], stride[axis], padding[axis])
  );
  const maps = { inputs, outputs, kernel, nFours };
  return { weight: fours, maps, rowTaps, columnTaps };
}

/** For each place along an axis of the output, [place of the input, of the kernel] of its terms.
 *
 * Of a transposed convolution: input i reaches i * stride - padding + k by the kernel's place k.
 */
function taps(nInputs, nOutputs, kernel, stride, padding) {
  return Array.from({ length: nOutputs }, (_, output) => {
    const terms = [];
    for (let k = 0; k < kernel; k++) {
      const input = (output + padding - k) / stride;
      if (Number.isInteger(input) && input >= 0 && input < nInputs) terms.push([input, k]);
    }
    return terms;
  });
}

/** The same of a convolution: output o reads the inputs o * stride - padding + k. */
function forwardTaps(nInputs, nOutputs, kernel, stride, padding) {
  return Array.from({ length: nOutputs }, (_, output) => {
    const terms = Array.from({ length: kernel }, (_, k) => [output * stride - padding + k, k]);
    return terms.filter(([input]) => input >= 0 && input < nInputs);
  });
}

/** Maps convolved: for each pixel its terms are gathered once, then summed for all outputs.
 *
 * Inputs of zero are left out; after a ReLU that is about half of them.
 */
function convolve({ maps, rowTaps, columnTaps, weight, bias }, values) {
  const [nInputs, inputHeight, inputWidth] = maps.inputs;
  const [nOutputs, height, width] = maps.outputs;
  const pixels = channelsLast(values, nInputs, inputHeight * inputWidth);
  const block = weight.length / maps.nFours;
  const terms = new Float64Array(block / 4);
  const places = new Int32Array(block / 4); // of each term's four weights
  const sums = new Float64Array(nOutputs * height * width);
  const four = new Float64Array(4);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let n = 0;
      for (const [y, ky] of rowTaps[row]) {
        for (const [x, kx] of columnTaps[column]) {
          const pixel = (y * inputWidth + x) * nInputs;
          const place = (ky * maps.kernel[1] + kx) * nInputs;
          for (let i = 0; i < nInputs; i++) {
            if (pixels[pixel + i] === 0) continue;
            terms[n] = pixels[pixel + i];
            places[n] = 4 * (place + i);
            n += 1;
          }
        }
      }
      for (let output = 0; output < nOutputs; output += 4) {
        sumOfFour(terms, places, n, weight, (output / 4) * block, four);
        for (let i = 0; i < 4 && output + i < nOutputs; i++) {
          sums[((output + i) * height + row) * width + column] = bias[output + i] + four[i];
        }
      }
    }
  }
  return sums;
}

/** Terms times their weights, summed for four outputs at once: each term is read once. */
function sumOfFour(terms, places, n, weight, first, four) {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const term = terms[i];
    const at = first + places[i];
    a += term * weight[at];
    b += term * weight[at + 1];
    c += term * weight[at + 2];
    d += term * weight[at + 3];
  }
  [four[0], four[1], four[2], four[3]] = [a, b, c, d];
}

/** Maps (channels, area) as (area, channels): the channels of a pixel are neighbours. */
function channelsLast(values, nChannels, area) {
  const pixels = new Float64Array(values.length);
  for (let i = 0; i < area; i++) {
    for (let k = 0; k < nChannels; k++) pixels[i * nChannels + k] = values[k * area + i];
  }
  return pixels;
}
