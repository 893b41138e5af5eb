"use strict";
// What the page shows, as the part of its address behind the #.

/** The numbers that differ from the start: "3:0.52_7:-1.2", counted from 1. */
function changesText(codes, start) {
  const changed = [];
  codes.forEach((code, i) => {
    if (Math.abs(code - start[i]) > 5e-5) changed.push(`${i + 1}:${Number(code.toFixed(4))}`);
  });
  return changed.join("_");
}

/** The start with those changes made; what cannot be read is left out. */
function changed(start, text) {
  const codes = Float64Array.from(start);
  for (const part of (text || "").split("_")) {
    const [latent, code] = part.split(":").map(Number);
    if (Number.isFinite(code) && latent >= 1 && latent <= codes.length) codes[latent - 1] = code;
  }
  return codes;
}

/** The address of a state: run, other, turn, digit, from; at=class where a digit was chosen after
 * that; the changes of codes (z) and knobs (k). */
function linkOf(state) {
  const given = Object.entries(state).filter(([, value]) => value !== "" && value !== null);
  return "#" + new URLSearchParams(given).toString().replaceAll("%3A", ":");
}

/** The state that an address holds; `allowed` lists the choices there are. */
function stateOf(hash, allowed) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const state = {};
  for (const [key, choices] of Object.entries(allowed)) {
    if (choices.includes(given.get(key))) state[key] = given.get(key);
  }
  const from = given.get("from") ?? "";
  if (/^random-\d{1,9}$/.test(from)) state.from = from;
  for (const key of ["z", "k", "z2", "k2"]) state[key] = given.get(key);
  return state;
}
