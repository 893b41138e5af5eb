"use strict";
// The page: its state, and what follows from it; the parts that show it.

const FRAME_MS = 8; // of work a frame: the picture comes first, strips get what it leaves
const SAVED_PIXEL = 20; // pixels of the PNG a pixel of the picture

const runs = new Map(payload.runs.map((run) => [run.run, run]));
const panes = [];
const state = {};

const find = (id) => document.getElementById(id);

/** Show the state; a point for each pane that is not to start anew. */
function show(points = []) {
  const chosen = [state.run, state.other].filter(Boolean).map((name) => runs.get(name));
  while (panes.length > chosen.length) panes.pop().element.remove();
  while (panes.length < chosen.length) {
    panes.push(new Pane(payload.properties, turned, ask));
    find("panes").append(panes.at(-1).element);
  }
  const basis = basisOf(chosen);
  const endOf = basis === "between" ? (run) => ({ codes: codesFrom(run, state.to), label: Number(labelOf(state.to)) }) : null;
  panes.forEach((pane, i) => {
    pane.begin(chosen[i], startOf(chosen[i]), Number(state.digit), points[i]);
    pane.turn(basis, endOf?.(chosen[i]));
    pane.cameFrom(originOf(chosen[i]));
  });
  if (panes.length > 1 && points[0] && !points[1]) follow();
  map.show(chosen[0]);
  seeds.show(panes[0], basis, startOf, endOf);
  drawing?.tell();
  document.body.classList.toggle("two", panes.length > 1);
  find("digits").hidden = !chosen.some((run) => run.classes);
  find("ends").hidden = basis !== "between";
  find("hint").textContent = hintOf(chosen, basis);
  showChoices(chosen, basis);
  ask();
  remember();
}

/** The basis that is shown: the one asked for where all runs have it. */
function basisOf(chosen) {
  const has = state.turn === "between" || chosen.every((run) => run.bases[state.turn]);
  return has ? state.turn : "latent";
}

/** What stands above the sliders. */
function hintOf(chosen, basis) {
  const has = (property) => chosen.some(property);
  const unmeasured = basis !== "between" && has((run) => run.bases.latent.unmeasured);
  const hint = unmeasured ? UNMEASURED : TURNS[basis][1];
  const inSd = basis === "latent" && has((run) => run.bases.latent.steps);
  const mixed = basis === "between" && has((run) => run.classes && !run.class_means);
  return hint + (inSd ? IN_SD : "") + (mixed ? MIXED : "") + (has((run) => run.class_means) ? IN_PRIOR : "");
}

function showChoices(chosen, basis) {
  find("run").value = runs.get(state.run).group;
  find("other").value = state.other;
  const atMean = state.at && chosen.every((run) => run.class_means);
  const picked = { images: atMean ? "" : state.from, digits: state.digit, turns: basis, ends: state.to };
  for (const [name, value] of Object.entries(picked)) {
    for (const input of document.getElementsByName(name)) input.checked = input.value === value;
  }
  for (const input of document.getElementsByName("turns")) {
    input.disabled = input.value !== "between" && !chosen.every((run) => run.bases[input.value]);
  }
}

/** A slider of one pane was moved: its partner goes as far from its start, the same way. */
function turned(pane, index, value) {
  pane.set(index, value);
  const other = panes.find((one) => one !== pane);
  if (other) lead(pane, other, index);
  ask();
}

function lead(pane, other, index) {
  const partner = partners(pane, other)[index];
  if (partner < 0) return;
  const row = pane.rows[index];
  const mate = other.rows[partner];
  const way = placeOn(row.line, pane) - row.own;
  other.set(partner, mate.own + (opposed(row.line, mate.line) ? -way : way));
}

/** Always the left list's choice of partners, seen from either side. */
function partners(pane, other) {
  const lines = (one) => one.rows.map(({ line }) => line);
  const forth = couple(lines(panes[0]), lines(panes[1]));
  return pane === panes[0] ? forth : pane.rows.map((_, i) => forth.indexOf(i));
}

/** Bring the right pane to where the left one is. */
function follow() {
  const [left, right] = panes;
  left.rows.forEach(({ line, own }, index) => {
    if (Math.abs(placeOn(line, left) - own) > 1e-6) lead(left, right, index);
  });
}

let asked = false;
function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

function frame() {
  asked = false;
  const until = performance.now() + FRAME_MS;
  if (panes.some(({ stale }) => stale)) seeds.follow();
  for (const pane of panes) pane.draw();
  map.mark(panes[0].start, panes[0].codes);
  if (panes.some((pane) => pane.drawStrips(until)) || seeds.draw(until)) ask();
}

/** Put the state into the address, without a new entry in the history.
 *
 * A drawing has no place there: the codes stand as changes of those of the first image.
 */
function remember() {
  const drawn = state.from === "drawn" && !state.at;
  const [one, two] = panes.map(({ run, codes, start, knobs }) => [
    changesText(codes, drawn ? codesFrom(run, payload.first) : start),
    changesText(knobs, knobs.map(() => 0)),
  ]);
  const [[z, k], [z2, k2]] = [one, two ?? ["", ""]];
  const known = { ...state, from: drawn ? payload.first : state.from };
  const to = state.turn === "between" && state.to !== "drawn" ? state.to : "";
  history.replaceState(null, "", linkOf({ ...known, to, z, k, z2, k2 }));
}

/** The state of the address, as far as it says one. */
function recall() {
  const names = [...runs.keys()];
  const count = (n, before = "") => Array.from({ length: n }, (_, i) => `${before}${i}`);
  const pictures = [...count(payload.labels.length), ...count(payload.map.labels.length, "map-")];
  const allowed = {
    run: names,
    other: names,
    turn: Object.keys(TURNS),
    digit: Object.keys(payload.classes),
    from: pictures,
    to: pictures,
    at: ["class"],
  };
  const { z, k, z2, k2, ...given } = stateOf(location.hash, allowed);
  const from = payload.first;
  const to = String((Number(from) + Math.ceil(payload.labels.length / 2)) % payload.labels.length);
  const fresh = { run: names[0], other: "", turn: "knob", from, to, at: "" };
  Object.assign(state, fresh, { digit: String(payload.labels[from]) }, given);
  const point = (name, codes, knobs) => {
    if (!name || !(codes || knobs)) return undefined;
    const start = pointAt(startOf(runs.get(name)));
    return { codes: changed(start.codes, codes), knobs: changed(start.knobs, knobs) };
  };
  show([point(state.run, z, k), point(state.other, z2, k2)]);
}

/** Start from one of the page's pictures. */
function begin(from) {
  Object.assign(state, { from, digit: labelOf(from), at: "" });
  show();
}

/** Lead to one of the page's pictures. */
function end(to) {
  state.to = to;
  show();
}

async function copy() {
  remember();
  try {
    await navigator.clipboard.writeText(location.href);
    say("Copied", find("copy"));
  } catch {
    say("It is in the address bar", find("copy"));
  }
}

function listen() {
  find("run").addEventListener("change", ({ target }) => {
    const seeds = payload.runs.filter(({ group }) => group === target.value);
    const { seed } = runs.get(state.run);
    state.run = (seeds.find((one) => one.seed === seed) ?? seeds[0]).run;
    show();
  });
  find("other").addEventListener("change", ({ target }) => {
    state.other = target.value;
    show([panes[0]]);
  });
  find("random").addEventListener("click", () => {
    Object.assign(state, { from: anotherSample(runs.get(state.run)), at: "" });
    show();
  });
  find("reset").addEventListener("click", () => show());
  find("save").addEventListener("click", save);
  find("copy").addEventListener("click", copy);
  find("panes").addEventListener("change", () => {
    remember();
    requestAnimationFrame(() => say(panes.map((pane) => pane.description()).join("; ")));
  });
  window.addEventListener("hashchange", recall);
}

const map = new ImageMap(find("map"), (image) =>
  state.turn === "between" ? end(`map-${image}`) : begin(`map-${image}`)
);
const seeds = new Seeds(find("seeds"), find("beside"), ({ run }, point) => {
  state.run = run;
  show(state.turn === "between" ? [] : [point]);
});
const drawing = find("draw") && new Drawing(find("draw"), () => begin("drawn"), () => runs.get(state.run));

function start() {
  fillMenus();
  listen();
  recall();
  startTour();
  document.body.dataset.ready = "yes";
}

if (window.DecompressionStream) unpack().then(start);
else find("hint").textContent = TOO_OLD;
