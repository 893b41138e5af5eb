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
