"use strict";
// One picture measured: thickness, slant and width, step by step as analysis/factors/morphometry.py
// and medial_axis.py do it for many. The reasons for each step stand there.

const SCALE = 4; // enlargement
const [ROWS, COLUMNS] = [SCALE * HEIGHT, SCALE * WIDTH]; // of the large picture
const LEFT_OUT = 0.02; // share of the mass outside the bounding parallelogram
const PADDED = COLUMNS + 2;
const AROUND = [-PADDED - 1, -PADDED, -PADDED + 1, -1, 1, PADDED - 1, PADDED, PADDED + 1];

/** thickness_px, slant_rad and width_px of a picture's grey levels; null without contrast. */
function measure(pixels) {
  const large = enlarge(pixels);
  const [low, high] = extent(large);
  if (low === high) return null;
  const ink = new Uint8Array(large.length);
  for (let i = 0; i < ink.length; i++) ink[i] = large[i] >= (low + high) / 2 ? 1 : 0;
  const shear = shearOf(large);
  return {
    thickness_px: thickness(ink) / SCALE,
    slant_rad: Math.atan(-shear.slope),
    width_px: widthOf(large, shear) / SCALE,
  };
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return [low, high];
}

/** Enlarged four times by Catmull-Rom, clipped, smoothed, whole grey levels: (ROWS, COLUMNS). */
function enlarge(pixels) {
  const [low, high] = extent(pixels);
  let large = cubic(cubic(Float64Array.from(pixels), WIDTH), HEIGHT);
  for (let i = 0; i < large.length; i++) large[i] = Math.min(Math.max(large[i], low), high);
  large = smooth(smooth(large, COLUMNS), ROWS);
  for (let i = 0; i < large.length; i++) large[i] = Math.floor(large[i] + 1e-9);
  return large;
}

/** Index of a line of n pixels that is mirrored at its ends. */
function mirrored(i, n) {
  if (i < 0) return -1 - i;
  return i < n ? i : 2 * n - 1 - i;
}

const CUBIC = Array.from({ length: SCALE }, (_, phase) => {
  const between = (phase + 0.5) / SCALE - 0.5; // place of the new pixel in an old one
  return Float64Array.from([-2, -1, 0, 1, 2], (offset) => {
    const x = Math.abs(between - offset);
    if (x <= 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
    return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
  });
});

/** Rows of n pixels enlarged; the picture comes out transposed, so that twice does both axes. */
function cubic(picture, n) {
  const height = picture.length / n;
  const large = new Float64Array(picture.length * SCALE);
  const line = new Float64Array(n + 4);
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < line.length; i++) line[i] = picture[row * n + mirrored(i - 2, n)];
    for (let phase = 0; phase < SCALE; phase++) {
      const weights = CUBIC[phase];
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let k = 0; k < 5; k++) sum += weights[k] * line[column + k];
        large[(column * SCALE + phase) * height + row] = sum;
      }
    }
  }
  return large;
}

const RADIUS = Math.floor((4 * SCALE) / 3 + 0.5); // four sigma
const GAUSSIAN = (() => {
  const bell = Float64Array.from({ length: 2 * RADIUS + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - RADIUS) / (SCALE / 3)) ** 2)
  );
  const total = bell.reduce((sum, value) => sum + value);
  return bell.map((value) => value / total);
})();

/** Rows of n pixels smoothed; transposed as in `cubic`. */
function smooth(picture, n) {
  const height = picture.length / n;
  const smoothed = new Float64Array(picture.length);
  const line = new Float64Array(n + 2 * RADIUS);
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < line.length; i++) {
      line[i] = picture[row * n + mirrored(i - RADIUS, n)];
    }
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let k = 0; k <= 2 * RADIUS; k++) sum += GAUSSIAN[k] * line[column + k];
      smoothed[column * height + row] = sum;
    }
  }
  return smoothed;
}

/** Horizontal shear: covariance of row and column over the variance of the row. */
function shearOf(large) {
  const mass = new Float64Array(ROWS);
  const moment = new Float64Array(ROWS);
  let [total, first] = [0, 0];
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const grey = large[row * COLUMNS + column];
      mass[row] += grey;
      moment[row] += grey * column;
    }
    total += mass[row];
    first += mass[row] * row;
  }
  const middle = first / total;
  let [covariance, variance] = [0, 0];
  for (let row = 0; row < ROWS; row++) {
    covariance += ((row - middle) * moment[row]) / total;
    variance += ((row - middle) ** 2 * mass[row]) / total;
  }
  return { slope: variance > 0 ? covariance / variance : 0, middle };
}

/** Span of the columns without the shear, in pixels of the large picture. */
function widthOf(large, { slope, middle }) {
  const mass = new Float64Array(3 * COLUMNS);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const upright = column + 0.5 - slope * row + slope * middle;
      const bin = Math.floor(upright) + COLUMNS;
      mass[Math.min(Math.max(bin, 0), 3 * COLUMNS - 1)] += large[row * COLUMNS + column];
    }
  }
  return span(mass);
}

/** Length without 1% of the mass at either end; bins are filled evenly. */
function span(mass) {
  const total = mass.reduce((sum, value) => sum + value);
  const place = (share) => {
    let below = 0;
    for (let i = 0; i < mass.length; i++) {
      if (below + mass[i] > share * total) return i + (share * total - below) / mass[i];
      below += mass[i];
    }
    return mass.length;
  };
  return place(1 - LEFT_OUT / 2) - place(LEFT_OUT / 2);
}

/** Twice the mean distance to the edge along the medial axis, in pixels of the large picture. */
function thickness(ink) {
  const squared = squaredDistance(ink);
  const alive = medialAxis(ink, squared);
  let [sum, n] = [0, 0];
  for (let i = 0; i < ink.length; i++) {
    if (!alive[padded(i)]) continue;
    sum += Math.sqrt(squared[i]);
    n += 1;
  }
  return (2 * sum) / n;
}

/** Index of a pixel in the picture with a blank margin of one. */
function padded(i) {
  return (Math.floor(i / COLUMNS) + 1) * PADDED + (i % COLUMNS) + 1;
}

/** Squared distance from each pixel of ink to the nearest blank one; outside is blank. */
function squaredDistance(ink) {
  const vertical = new Int32Array(ink.length);
  for (let column = 0; column < COLUMNS; column++) {
    let run = 0;
    for (let i = column; i < ink.length; i += COLUMNS) vertical[i] = run = ink[i] ? run + 1 : 0;
    run = 0;
    for (let i = ink.length - COLUMNS + column; i >= 0; i -= COLUMNS) {
      run = ink[i] ? run + 1 : 0;
      vertical[i] = Math.min(vertical[i], run) ** 2;
    }
  }
  const squared = vertical.slice();
  for (let i = 0; i < ink.length; i++) {
    const column = i % COLUMNS;
    for (let step = 1; step * step < squared[i]; step++) {
      const left = column - step < 0 ? 0 : vertical[i - step];
      const right = column + step >= COLUMNS ? 0 : vertical[i + step];
      squared[i] = Math.min(squared[i], Math.min(left, right) + step * step);
    }
  }
  return squared;
}

/** Ridge of the distance transform, in the padded picture: ordered thinning, ties by parity. */
function medialAxis(ink, squared) {
  const alive = new Uint8Array((ROWS + 2) * PADDED);
  for (let i = 0; i < ink.length; i++) alive[padded(i)] = ink[i];
  const turns = [];
  for (let i = 0; i < ink.length; i++) {
    if (!ink[i]) continue;
    const pixel = padded(i);
    let corner = 0;
    for (const offset of AROUND) corner += 1 - alive[pixel + offset];
    const parity = 2 * (Math.floor(pixel / PADDED) % 2) + ((pixel % PADDED) % 2);
    turns.push((4 * (9 * squared[i] + corner) + parity) * alive.length + pixel);
  }
  for (const turn of Float64Array.from(turns).sort()) {
    const pixel = turn % alive.length;
    let code = 0;
    for (const offset of AROUND) code = 2 * code + alive[pixel + offset];
    alive[pixel] = KEPT[code];
  }
  return alive;
}

/** Which neighbourhoods keep their middle: a bridge, a lone pixel, or the end of a line. */
const KEPT = Uint8Array.from({ length: 256 }, (_, code) => {
  const places = [0, 1, 2, 3, 5, 6, 7, 8].filter((_, i) => (code >> (7 - i)) & 1);
  const left = new Set(places);
  let parts = 0;
  for (const place of places) {
    if (!left.delete(place)) continue;
    parts += 1;
    const reached = [place];
    while (reached.length) {
      const one = reached.pop();
      for (const other of left) {
        const touch =
          Math.abs((one % 3) - (other % 3)) <= 1 &&
          Math.abs(Math.floor(one / 3) - Math.floor(other / 3)) <= 1;
        if (touch && left.delete(other)) reached.push(other);
      }
    }
  }
  return parts !== 1 || places.length <= 1;
});
