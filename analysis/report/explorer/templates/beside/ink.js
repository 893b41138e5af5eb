"use strict";
// A drawing brought into MNIST's form: scaled so that its longer side fills a box of 20 pixels,
// grey where an edge cuts a pixel, and moved by whole pixels so that its centre of mass is in the
// middle of the picture (pixel 14 of 28, counted from 0).
// Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", section III.

const BOX = 20;

/** Grey levels of a square drawing of n x n -> WIDTH x HEIGHT levels; null without ink. */
function centredInk(levelsOfPad, n) {
  const box = inkBox(levelsOfPad, n);
  if (!box) return null;
  return inMiddle(scaledInk(levelsOfPad, n, box));
}

/** The smallest box around the ink: left, top, width, height. */
function inkBox(grey, n) {
  let [left, top, right, bottom] = [n, n, -1, -1];
  for (let i = 0; i < grey.length; i++) {
    if (!grey[i]) continue;
    const [x, y] = [i % n, Math.floor(i / n)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** The ink in the box, its longer side BOX pixels, at the top left of a picture; 0 to 255.
 *
 * A pixel of the drawing covers a square of the picture: its grey is shared out by area.
 */
function scaledInk(grey, n, { left, top, width, height }) {
  const scale = BOX / Math.max(width, height);
  const picture = new Float64Array(WIDTH * HEIGHT);
  for (let y = 0; y < height; y++) {
    const rows = shares(y * scale, scale);
    for (let x = 0; x < width; x++) {
      const level = grey[(top + y) * n + left + x];
      if (!level) continue;
      for (const [column, across] of shares(x * scale, scale)) {
        for (const [row, down] of rows) picture[row * WIDTH + column] += level * across * down;
      }
    }
  }
  return picture;
}

/** The pixels from a place on over a length, each with the length that lies in it. */
function shares(from, length) {
  const [parts, end] = [[], Math.min(from + length, BOX)];
  for (let pixel = Math.floor(from + 1e-9); pixel < end - 1e-9; pixel++) {
    parts.push([pixel, Math.min(end, pixel + 1) - Math.max(from, pixel)]);
  }
  return parts;
}

/** A picture moved by whole pixels until its centre of mass is in the middle, as levels. */
function inMiddle(picture) {
  let [mass, across, down] = [0, 0, 0];
  picture.forEach((level, i) => {
    mass += level;
    across += level * (i % WIDTH);
    down += level * Math.floor(i / WIDTH);
  });
  const shift = (moment, size) => Math.round(size / 2 - moment / mass);
  const [right, below] = [shift(across, WIDTH), shift(down, HEIGHT)];
  const levels = new Uint8Array(WIDTH * HEIGHT);
  picture.forEach((level, i) => {
    const [x, y] = [(i % WIDTH) + right, Math.floor(i / WIDTH) + below];
    const inside = x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT;
    if (inside) levels[y * WIDTH + x] = Math.round(Math.min(level, 255));
  });
  return levels;
}
