"use strict";
// The page: menus, the panes side by side, the link.

const FRAME_MS = 8; // of work a frame: the picture comes first, strips get what it leaves
const SAVED_PIXEL = 20; // pixels of the PNG a pixel of the picture

const STEP =
  "A step is a standard deviation of the codes; pictures are read two steps away from the start.";
const TURNS = {
  knob: [
    "Properties",
    "A knob mixes latents so that, on average, one property moves by what is asked and the others" +
      " stay. It ends where that fails on other images. Asked and obtained differ from picture to" +
      " picture; the meters measure this one.",
  ],
  latent: ["Latents", "Each latent over the paper\u2019s range, \u22125 to 5. " + STEP],
  ica: ["ICA directions", "Independent components of the codes, in steps. " + STEP],
};
const UNMEASURED =
  (payload.properties.length
    ? "What the latents move has not been measured (python -m analysis.score does it)"
    : "Nothing measures these pictures") + ": the latents used most stand first.";
const IN_SD =
  " Where the prior is not N(0, I), they are in standard deviations of the codes of test images," +
  " around their mean.";
const IN_PRIOR =
  ` The decoder does not see the ${payload.noun}; choosing one moves the latents to its mean in` +
  " the prior.";

const runs = new Map(payload.runs.map((run) => [run.run, run]));
const images = Uint8Array.from(bytesOf(payload.images));
const panes = [];
const state = {};

const find = (id) => document.getElementById(id);

/** The codes that a run starts from: those of the image, a sample of the prior, or its mean.
 *
 * A prior by class has a mean of each, and its samples are of the classes in turn.
 */
function startOf(run) {
  const [n, label] = [run.latent_dim, Number(state.digit)];
  if (state.at && run.class_means) return Float64Array.from(run.class_means[label]);
  const seed = /^random-(\d+)$/.exec(state.from);
  if (!seed) return Float64Array.from(run.starts[state.from]);
  const drawn = floats(run.prior);
  const classes = Object.keys(payload.classes);
  const [every, first] = run.class_means ? [classes.length, classes.indexOf(state.digit)] : [1, 0];
  const nSamples = Math.floor(drawn.length / (n * every));
  const sample = every * (Number(seed[1]) % nSamples) + first;
  return Float64Array.from(drawn.subarray(n * sample, n * (sample + 1)));
}

/** Show the state; a point for each pane that is not to start anew. */
function show(points = []) {
  const chosen = [state.run, state.other].filter(Boolean).map((name) => runs.get(name));
  while (panes.length > chosen.length) panes.pop().element.remove();
  while (panes.length < chosen.length) {
    panes.push(new Pane(payload.properties, turned, ask));
    find("panes").append(panes.at(-1).element);
  }
  const basis = chosen.every((run) => run.bases[state.turn]) ? state.turn : "latent";
  panes.forEach((pane, i) => {
    pane.begin(chosen[i], startOf(chosen[i]), Number(state.digit), points[i]);
    pane.turn(basis);
  });
  if (panes.length > 1 && points[0] && !points[1]) follow();
  document.body.classList.toggle("two", panes.length > 1);
  find("digits").hidden = !chosen.some((run) => run.classes);
  find("hint").textContent = hintOf(chosen, basis);
  showChoices(chosen, basis);
  ask();
  remember();
}

/** What stands above the sliders. */
function hintOf(chosen, basis) {
  const has = (property) => chosen.some(property);
  const hint = has((run) => run.bases.latent.unmeasured) ? UNMEASURED : TURNS[basis][1];
  const inSd = basis === "latent" && has((run) => run.bases.latent.steps);
  return hint + (inSd ? IN_SD : "") + (has((run) => run.class_means) ? IN_PRIOR : "");
}

function showChoices(chosen, basis) {
  find("run").value = state.run;
  find("other").value = state.other;
  const atMean = state.at && chosen.every((run) => run.class_means);
  const picked = { images: atMean ? "" : state.from, digits: state.digit, turns: basis };
  for (const [name, value] of Object.entries(picked)) {
    for (const input of document.getElementsByName(name)) input.checked = input.value === value;
  }
  for (const input of document.getElementsByName("turns")) {
    input.disabled = !chosen.every((run) => run.bases[input.value]);
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
  for (const pane of panes) pane.draw();
  if (panes.some((pane) => pane.drawStrips(until))) ask();
}

/** Put the state into the address, without a new entry in the history. */
function remember() {
  const [one, two] = panes.map(({ codes, start, knobs }) => [
    changesText(codes, start),
    changesText(knobs, knobs.map(() => 0)),
  ]);
  const [[z, k], [z2, k2]] = [one, two ?? ["", ""]];
  history.replaceState(null, "", linkOf({ ...state, z, k, z2, k2 }));
}

/** The state of the address, as far as it says one. */
function recall() {
  const names = [...runs.keys()];
  const count = (n) => Array.from({ length: n }, (_, i) => String(i));
  const allowed = {
    run: names,
    other: names,
    turn: Object.keys(TURNS),
    digit: Object.keys(payload.classes),
    from: count(payload.labels.length),
    at: ["class"],
  };
  const { z, k, z2, k2, ...given } = stateOf(location.hash, allowed);
  const fresh = { run: names[0], other: "", turn: "knob", from: payload.first, at: "" };
  Object.assign(state, fresh, { digit: String(payload.labels[payload.first]) }, given);
  const point = (name, codes, knobs) => {
    if (!name || !(codes || knobs)) return undefined;
    const start = pointAt(startOf(runs.get(name)));
    return { codes: changed(start.codes, codes), knobs: changed(start.knobs, knobs) };
  };
  show([point(state.run, z, k), point(state.other, z2, k2)]);
}

/** Radio buttons, one a choice: a label is a text or an element. */
function radios(name, choices, onPick) {
  for (const [value, label, description] of choices) {
    const element = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name, value });
    if (description) input.setAttribute("aria-label", description);
    input.addEventListener("click", () => onPick(value)); // also of the one that is checked
    element.append(input, label);
    find(name).append(element);
  }
}

function fillMenus() {
  for (const { run, menu } of payload.runs) {
    find("run").append(new Option(menu, run));
    find("other").append(new Option(menu, run));
  }
  const pictures = payload.labels.map((label, i) => {
    const canvas = sized(document.createElement("canvas"));
    paint(canvas.getContext("2d"), images.subarray(i * N_VALUES, (i + 1) * N_VALUES));
    const name = payload.classes[label];
    return [String(i), canvas, `test image ${i + 1}${name ? `, ${payload.noun} ${name}` : ""}`];
  });
  radios("images", pictures, (from) => {
    Object.assign(state, { from, digit: String(payload.labels[from]), at: "" });
    show();
  });
  radios("digits", Object.entries(payload.classes), (digit) => {
    Object.assign(state, { digit, at: "class" });
    show(panes.map((pane) => (pane.run.class_means ? undefined : pane)));
  });
  find("turns").hidden = !payload.properties.length; // latents are all that there is
  const turns = Object.entries(TURNS).map(([turn, [name]]) => [turn, name]);
  radios("turns", turns, (turn) => {
    state.turn = turn;
    show([...panes]);
  });
}

/** Say something to those who listen, and for a moment on the button. */
function say(text, button) {
  find("spoken").textContent = text;
  if (!button) return;
  button.dataset.name ??= button.textContent;
  button.textContent = text;
  setTimeout(() => (button.textContent = button.dataset.name), 1500);
}

/** The pictures side by side, each pixel a square. */
function enlarged() {
  const canvas = document.createElement("canvas");
  const [width, height] = [WIDTH * SAVED_PIXEL, HEIGHT * SAVED_PIXEL];
  Object.assign(canvas, { width: width * panes.length, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  panes.forEach((pane, i) => context.drawImage(pane.canvas, i * width, 0, width, height));
  return canvas;
}

function save() {
  const link = document.createElement("a");
  link.download = `${panes.map(({ run }) => run.run).join("-and-")}.png`;
  link.href = enlarged().toDataURL("image/png");
  link.click();
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
    state.run = target.value;
    show();
  });
  find("other").addEventListener("change", ({ target }) => {
    state.other = target.value;
    show([panes[0]]);
  });
  find("random").addEventListener("click", () => {
    Object.assign(state, { from: `random-${Math.floor(Math.random() * 1e9)}`, at: "" });
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

fillMenus();
listen();
recall();
