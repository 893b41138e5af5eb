"use strict";
// Asks the server for what has changed, and shows it. Every text comes from a file that may be a
// stranger's: it is set as text, never as HTML.

const $ = (id) => document.getElementById(id);
const EVERY_MS = 2000;
const MARKED = 8; // curves in colour; the others are grey
const POINTS = 8000; // of all grey curves together
const LINES = 200; // of the table, until the reader asks for all
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a6fd1", "#a0522d"];
const DARK = ["#5aa9e6", "#ff8c42", "#3fc79a", "#e59ac4", "#f2c14e", "#9fd8ff", "#b39bff", "#d98e64"];
const NAMES = { running: "running", failed: "failed", damaged: "damaged", stopped: "not finished", done: "done", waiting: "waiting" };
const natural = new Intl.Collator("en", { numeric: true });
const last = (row, name) => (row.curves[name] || []).at(-1) ?? null;
const fixed = (value, digits = 2) => (value === null ? "" : value.toFixed(digits));
const COLUMNS = [ // heading, what it sorts by, text, whether a number
  ["run", (row) => row.run, null, false],
  ["state", (row) => Object.keys(NAMES).indexOf(row.state), (row) => NAMES[row.state] || row.state, false],
  ["epoch", (row) => row.epoch, (row) => (row.epochs ? `${row.epoch} / ${row.epochs}` : `${row.epoch || ""}`), true],
  ["neg. ELBO", (row) => last(row, "test_neg_elbo"), (row, value) => fixed(value), true],
  ["recon", (row) => last(row, "test_recon"), (row, value) => fixed(value), true],
  ["KL", (row) => last(row, "test_kl"), (row, value) => fixed(value), true],
  ["active latents", (row) => last(row, "active_latents"), (row, value) => fixed(value, 0), true],
  ["time", (row) => row.seconds || null, (row, value) => (value ? duration(value) : ""), true],
  ["engine", (row) => row.engine, null, false],
  ["node", (row) => [row.node, row.device].filter(Boolean).join(", "), null, false],
];

const rows = new Map(); // run -> its row, as the server sent it
const lines = new Map(); // run -> its <tr>
const marked = new Set(); // by the reader; empty: those that run, and the best
let facts = {}, at = 0, version = 0, sort = [1, 1], shared = [], colours = new Map(), stale = false, drawn = 0, took = 0, most = LINES;

function duration(seconds) {
  const s = Math.round(seconds), m = Math.round(seconds / 60);
  if (s < 90) return `${s} s`;
  return m < 90 ? `${m} min` : `${Math.floor(m / 60)} h ${String(m % 60).padStart(2, "0")} min`;
}

function element(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text !== null) made.textContent = text;
  return made;
}

async function poll() {
  try {
    const reply = await fetch(`state?after=${version}`);
    if (!reply.ok) throw new Error(await reply.text());
    const answer = await reply.json(), { stage, ended, states, best, links } = answer;
    take({ ...answer, facts: JSON.stringify([stage, ended, states, best, links]) });
    $("away").hidden = true;
  } catch (error) {
    const gone = error instanceof TypeError; // nobody answers
    const when = at ? ` The page shows the state of ${new Date(at).toLocaleTimeString()}.` : "";
    $("away").textContent = gone
      ? `The server of this page has stopped.${when} “study watch ${facts.place || "results/NAME"}” opens it again.`
      : `The study cannot be read: ${error.message}.${when}`;
    $("away").hidden = false;
  }
  if (document.hidden) document.addEventListener("visibilitychange", poll, { once: true });
  else setTimeout(poll, EVERY_MS);
}

function take(answer) {
  if (answer.whole) {
    rows.clear(); lines.clear();
    document.querySelector("tbody").replaceChildren();
  }
  for (const row of answer.runs) { rows.set(row.run, row); showRow(row); }
  ({ version } = answer);
  const same = answer.facts === facts.facts && !answer.runs.length;
  facts = answer; at = Date.now();
  stale ||= answer.runs.length > 0;
  if (answer.runs.length) { share(); order(); showFailures(); }
  same ? tick() : showFacts();
  if (stale && performance.now() - drawn > Math.max(1900, 100 * took)) draw();
}

function showFacts() {
  const { states } = facts, n = rows.size, done = states.done || 0;
  const finished = n > 0 && done === n;
  document.title = `${facts.stage && n ? `${done} of ${n}: ` : ""}${facts.name}`;
  $("name").textContent = facts.name;
  $("stage").textContent = facts.stage || (finished ? "finished" : "not running");
  $("stage").classList.toggle("works", Boolean(facts.stage));
  const parts = Object.keys(NAMES).filter((state) => states[state]).map((state) => {
    const item = element("li", null, { className: state });
    item.append(element("b", states[state]), ` ${NAMES[state]}`);
    return item;
  });
  $("counts").replaceChildren(...parts, element("li", `of ${n} ${n === 1 ? "run" : "runs"}`));
  $("best").hidden = !facts.best.length;
  $("best").replaceChildren(`Lowest negative ELBO${finished ? "" : " so far"}: `, ...facts.best.flatMap((one, i) => [
    i ? "; " : "", element("b", fixed(one.neg_elbo)), ` nats, ${short(one.run)}${one.among ? ` (${one.among})` : ""}`,
  ]));
  $("place").textContent = facts.place;
  $("command").replaceChildren(...(facts.command ? ["Command: ", element("code", facts.command)] : []));
  const link = (one) => element("a", one.title, { href: `study/${encodeURI(one.href)}`, target: "_blank" });
  const key = JSON.stringify(facts.links);
  if ($("results").dataset.key !== key) {
    $("results").dataset.key = key;
    $("results").hidden = !facts.links.length;
    $("pages").replaceChildren(...facts.links.filter((one) => one.kind === "page").map(link));
    $("pictures").replaceChildren(...facts.links.filter((one) => one.kind === "figure").map((one) => {
      const item = element("li", null);
      item.append(link(one));
      return item;
    }));
  }
  tick();
}

function tick() { // also between two answers: time passes
  if (!at) return;
  const passed = (Date.now() - at) / 1000, share = facts.total ? facts.done / facts.total : 0;
  $("bar").hidden = !facts.stage;
  $("bar").firstElementChild.style.width = `${100 * share}%`;
  $("bar").setAttribute("aria-valuenow", Math.round(100 * share));
  if (!facts.stage) {
    const finished = facts.states.done === rows.size, when = facts.ended && new Date(facts.ended).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    $("time").textContent = finished ? (when ? `Ended ${when}.` : "") :
      "No process works on this study now. Repeat its command to continue.";
    return;
  }
  const text = [`${duration(facts.elapsed + passed)} so far`];
  if (facts.total) text.unshift(`${Math.floor(facts.done)} of ${Math.round(facts.total)} ${
    { training: "epochs", scoring: "score tasks", aligning: "runs", drawing: "figures" }[facts.stage] || "steps"}`);
  if (facts.left !== null) {
    const left = Math.max(0, facts.left - passed);
    const end = new Date(Date.now() + 1000 * left).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    text.push(`about ${duration(left)} left, until ${end}`);
  }
  $("time").textContent = text.join("; ");
}

// What all run ids have in common is said once, and left out of each.
function share() {
  const parts = [...rows.keys()].map((run) => run.split("-"));
  const first = rows.size > 1 ? parts[0].slice(3).filter((part) => !part.startsWith("seed")) : [];
  const common = first.filter((part) => parts.every((other) => other.includes(part)));
  if (String(common) !== String(shared)) {
    shared = common;
    for (const [run, line] of lines) line.querySelector("label").lastElementChild.textContent = short(run);
  }
  $("shared").textContent = shared.length ? ` All have ${shared.join(", ").replaceAll("_", " ")}.` : "";
}

function short(run) {
  return shared.length ? run.split("-").filter((part) => !shared.includes(part)).join("-") : run;
}

function showFailures() {
  const bad = [...rows.values()].filter((row) => row.error);
  $("failures").hidden = !bad.length;
  const items = bad.slice(0, 20).map((row) => {
    const item = element("li", null);
    item.append(element("b", short(row.run)), `: ${row.error}`);
    return item;
  });
  if (bad.length > 20) items.push(element("li", `and ${bad.length - 20} more: filter the table by “failed”`));
  document.querySelector("#failures ul").replaceChildren(...items);
}

function showRow(row) {
  let line = lines.get(row.run);
  if (!line) {
    line = element("tr", null);
    for (const [, , , number] of COLUMNS) line.append(element("td", null, { className: number ? "number" : "" }));
    const box = element("input", null, { type: "checkbox" });
    box.addEventListener("change", () => { box.checked ? marked.add(row.run) : marked.delete(row.run); draw(); });
    const label = element("label", null);
    label.append(box, element("span", null, { className: "swatch" }), element("span", short(row.run), { title: row.run }));
    line.firstElementChild.append(label);
    lines.set(row.run, line);
  }
  COLUMNS.forEach(([, key, text], i) => {
    if (i) line.children[i].textContent = text ? text(row, key(row)) : key(row);
  });
  line.children[1].className = row.state in NAMES ? row.state : "";
}

function order() {
  const [column, way] = sort, key = COLUMNS[column][1];
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = [...rows.values()].filter((row) => {
    const text = `${row.run} ${NAMES[row.state] || row.state}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const empty = (value) => value === null || value === "";
  kept.sort((a, b) => {
    const x = key(a), y = key(b);
    if (empty(x) || empty(y)) return empty(x) - empty(y); // last, whichever way
    return way * (typeof x === "number" ? x - y : natural.compare(x, y)) || natural.compare(a.run, b.run);
  });
  const body = document.querySelector("tbody"), wanted = kept.slice(0, most).map((row) => lines.get(row.run));
  if (wanted.length !== body.children.length || wanted.some((line, i) => body.children[i] !== line)) body.replaceChildren(...wanted);
  const first = wanted.length < kept.length ? `the first ${wanted.length} of ` : "";
  $("shown").textContent = words.length || first ? `Shown: ${first}${kept.length} runs${words.length ? ` of ${rows.size}` : ""}.` : "";
  $("all").hidden = !first;
  document.querySelectorAll("th").forEach((head, i) => {
    if (i === column) head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
}

function chosen() {
  const there = (run) => rows.get(run)?.epoch;
  if (marked.size) return [...marked].filter(there).slice(0, MARKED);
  const running = [...rows.values()].filter((row) => row.state === "running").map((row) => row.run);
  return [...new Set([...facts.best.map((one) => one.run), ...running])].filter(there).slice(0, MARKED);
}

function draw() {
  const began = performance.now(), shown = chosen(), dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const palette = dark ? DARK : LIGHT, style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const figure = $("figure").value, title = $("figure").selectedOptions[0].text;
  // A curve keeps its colour while it is shown.
  const before = colours;
  colours = new Map(shown.filter((run) => before.has(run)).map((run) => [run, before.get(run)]));
  for (const run of shown) {
    if (!colours.has(run)) colours.set(run, palette.findIndex((_, i) => ![...colours.values()].includes(i)));
  }
  const others = [...rows.values()].filter((row) => row.epoch && !colours.has(row.run));
  // Of many grey curves a few epochs each are drawn, most of them early, where curves bend.
  const points = Math.max(6, Math.floor(POINTS / others.length));
  const picked = (n) => n <= points ? [...Array(n).keys()] :
    [...new Set(Array.from({ length: points }, (_, i) => Math.round(n ** (i / (points - 1))) - 1))];
  const grey = { x: [], y: [], mode: "lines", line: { color: colour("--faint"), width: 1 }, hoverinfo: "skip", showlegend: false };
  for (const row of others) {
    const values = row.curves[`test_${figure}`];
    for (const i of picked(values.length)) { grey.x.push(i + 1); grey.y.push(values[i]); }
    grey.x.push(null); grey.y.push(null);
  }
  const traces = [grey], tails = [];
  for (const run of shown) {
    const row = rows.get(run), line = { color: palette[colours.get(run)], width: 2 };
    for (const [split, dash] of [["train", "dot"], ["test", "solid"]]) {
      const values = row.curves[`${split}_${figure}`], x = values.map((_, i) => i + 1);
      const name = short(run).replace(/[<>&]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[c]); // plotly reads tags
      traces.push({ x, y: values, name, mode: row.epoch > 1 ? "lines" : "lines+markers", line: { ...line, dash },
        opacity: split === "train" ? 0.7 : 1, showlegend: split === "test", legendgroup: run,
        hovertemplate: `%{y:.2f}, ${split}, epoch %{x}<extra>${name}</extra>` });
      tails.push(...values.slice(Math.min(Math.ceil(row.epochs / 20), values.length - 1)));
    }
  }
  // The first epochs are far from the others: the axis is of what comes after them.
  const known = tails.filter((value) => value !== null), low = Math.min(...known), high = Math.max(...known);
  const edge = 0.06 * (high - low) || 1, narrow = $("plot").clientWidth < 560;
  const axis = { gridcolor: colour("--line"), zeroline: false, linecolor: colour("--line"), fixedrange: false };
  Plotly.react($("plot"), traces, {
    uirevision: figure, margin: { l: 52, r: 8, t: 8, b: narrow ? 84 : 44 },
    paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--text") },
    xaxis: { ...axis, title: { text: "epoch", standoff: 4 }, rangemode: "tozero" },
    yaxis: { ...axis, title: { text: `${title} (nats)`, standoff: 6 }, ...(known.length ? { range: [low - edge, high + edge] } : {}) },
    showlegend: true, legend: narrow ? { orientation: "h", y: -0.22 } : { x: 1, xanchor: "right", y: 1, bgcolor: colour("--ground") },
  }, { displayModeBar: false, responsive: true });
  for (const [run, line] of lines) {
    line.querySelector(".swatch").style.background = colours.has(run) ? palette[colours.get(run)] : "";
  }
  stale = false; drawn = performance.now(); took = drawn - began;
}

COLUMNS.forEach(([name, , , number], i) => {
  const head = element("th", null, { scope: "col", className: number ? "number" : "" }), button = element("button", name, { type: "button" });
  button.addEventListener("click", () => { sort = [i, sort[0] === i ? -sort[1] : 1]; order(); });
  head.append(button);
  document.querySelector("thead tr").append(head);
});
$("filter").addEventListener("input", order);
$("all").addEventListener("click", () => { most = Infinity; order(); });
$("figure").addEventListener("change", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
setInterval(tick, 1000);
poll();
