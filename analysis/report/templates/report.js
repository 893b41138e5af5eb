"use strict";

{% include "tables.js" %}

// Print shows what is folded.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("main details:not([open])")];
  opened.forEach((each) => { each.open = true; });
});
addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));

// On a narrow screen the contents would fill the first page.
if (matchMedia("(max-width: 48rem)").matches) document.querySelector("nav details").open = false;

// The interactive plots.
const { labels, axes, rows, curves, pictures, explorer } = JSON.parse(document.getElementById("data").textContent);
const FIGURES = ["active", "kl_fraction", "neg_elbo_joint", "digit_probe", "dci", "mig", "factor_vae", "higgins", "score"];
// As in report.css; the scales are viridis without the end that the ground swallows.
const LIGHT = {
  text: "#1d1d1b", quiet: "#5f5e59", line: "#d9d8d3", ground: "#fcfcfb",
  scale: [[0, "#440154"], [0.33, "#3b528b"], [0.67, "#21918c"], [1, "#7ad151"]],
};
const DARK = {
  text: "#e6e5e1", quiet: "#a3a29d", line: "#3a3c3f", ground: "#161718",
  scale: [[0, "#4f7cb8"], [0.33, "#21a08a"], [0.67, "#7ad151"], [1, "#fde725"]],
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const input = (id) => document.getElementById(id);

const WORDS = { none: "no", label: "yes", prior: "in the prior" };
const worded = (value) => value === null ? "–" : WORDS[value] ?? (typeof value === "number" ? Number(value.toPrecision(4)) : value);

// An axis of few, unevenly spread values (J: 3, 5, 10, 20, 200) takes them in even steps.
function scale(key, values) {
  if (!axes.includes(key)) return { values };
  // What is not of a run, such as gamma of objective beta, has a place of its own, the first.
  const given = [...new Set(values)].filter((value) => value !== null);
  if (typeof given[0] === "number") given.sort((a, b) => a - b);
  const known = values.includes(null) ? [null, ...given] : given;
  const place = new Map(known.map((value, index) => [value, index]));
  return {
    values: values.map((value) => place.get(value)),
    ticks: known.map((_, index) => index),
    names: known.map((value) => String(worded(value))),
  };
}

function has(table, key, index) {
  return axes.includes(key) || table.columns[key][index] !== null;
}

function look() {
  return dark.matches && !printing ? DARK : LIGHT;
}

function layout(colours, more) {
  return {
    paper_bgcolor: colours.ground,
    plot_bgcolor: colours.ground,
    font: { color: colours.text, size: 12, family: "system-ui, sans-serif" },
    ...more,
  };
}

// Whether a name has every word of the filter: "beta1" is not of beta10, "bet" of both.
function passes(name, ofRun) {
  const parts = name.split("-");
  return input("filter").value.trim().split(/\s+/).filter((word) => word && (ofRun || !word.startsWith("seed")))
    .every((word) => (/\d$/.test(word) ? parts.includes(word) : parts.some((part) => part.startsWith(word))));
}

function kept(table, keys) {
  const ofRun = input("level").value === "run";
  return table.names.map((_, index) => index).filter((index) =>
    passes(table.names[index], ofRun) && keys.every((key) => has(table, key, index)));
}

// The colour at a place of a scale, from 0 to 1.
function shade(place, stops) {
  const after = Math.max(1, stops.findIndex(([at]) => at >= place));
  const [[low, from], [high, to]] = [stops[after - 1], stops[after]];
  const part = (place - low) / (high - low);
  const channel = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
  return `rgb(${[1, 3, 5].map((at) => Math.round(channel(from, at) * (1 - part) + channel(to, at) * part)).join()})`;
}

function colouring(key, table, shownRows, colours) {
  const { values, ticks, names } = scale(key, table.columns[key]);
  const bar = { title: { text: labels[key], side: "right" }, thickness: 12, outlinewidth: 0 };
  if (ticks) Object.assign(bar, { tickvals: ticks, ticktext: names });
  const shown = shownRows.map((index) => values[index]);
  const ends = [Math.min(...shown), Math.max(...shown)];
  if (ends[0] === ends[1]) ends[1] = ends[0] + 1;
  return { color: shown, colorscale: colours.scale, cmin: ends[0], cmax: ends[1], showscale: true, colorbar: bar };
}

// Plotly would offer to send the chart to its makers' cloud.
const UNWANTED = ["sendChartToCloud", "select2d", "lasso2d"];
const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: UNWANTED, plotlyServerURL: "" };

function drawParallel(table, colours) {
  if (!input("parallel-box").open) return; // it would have no width
  const keys = [...axes, ...FIGURES].filter((key) => key in table.columns);
  const colour = input("colour").value;
  const whole = kept(table, [...keys, colour]);
  const dropped = kept(table, []).length - whole.length;
  input("parallel-note").textContent = dropped ? `${dropped} lack a value and are left out.` : "";
  const dimensions = keys.map((key) => {
    const { values, ticks, names } = scale(key, table.columns[key]);
    const shown = { label: labels[key], values: whole.map((index) => values[index]) };
    return ticks ? { ...shown, tickvals: ticks, ticktext: names, range: [-0.2, ticks.length - 0.8] } : shown;
  });
  const trace = {
    type: "parcoords",
    dimensions,
    line: colouring(colour, table, whole, colours),
    labelfont: { color: colours.text },
    tickfont: { color: colours.quiet },
    rangefont: { color: colours.quiet },
  };
  Plotly.react("parallel", [trace], layout(colours, { margin: { l: 40, r: 20, t: 50, b: 30 } }), CONFIG);
  input("parallel").setAttribute("aria-label", `Parallel coordinates of ${whole.length} ${input("level").value}s`);
}

// How far an interval reaches from its value to both sides.
function bars(table, key, shown, colours) {
  const ends = table.ends?.[key];
  if (!ends) return undefined;
  const reach = (side, sign) => shown.map((index) =>
    ends[index][side] === null ? 0 : sign * (ends[index][side] - table.columns[key][index]));
  return { type: "data", symmetric: false, array: reach(1, 1), arrayminus: reach(0, -1), color: colours.quiet, thickness: 1, width: 3 };
}

function drawScatter(table, colours) {
  const [across, up, colour] = ["across", "up", "colour"].map((id) => input(id).value);
  const shown = kept(table, [across, up, colour]);
  const axis = (key) => {
    const { ticks, names } = scale(key, table.columns[key]);
    const plain = { title: { text: labels[key] }, gridcolor: colours.line, zeroline: false, linecolor: colours.quiet };
    return ticks ? { ...plain, tickvals: ticks, ticktext: names } : plain;
  };
  const place = (key) => shown.map((index) => scale(key, table.columns[key]).values[index]);
  const value = (key, index) => {
    const [low, high] = table.ends?.[key]?.[index] ?? [null, null];
    return `${labels[key]}: ${worded(table.columns[key][index])}${low === null ? "" : ` [${worded(low)}, ${worded(high)}]`}`;
  };
  const trace = {
    type: "scatter",
    mode: "markers",
    x: place(across),
    y: place(up),
    error_x: bars(table, across, shown, colours),
    error_y: bars(table, up, shown, colours),
    customdata: shown.map((index) => table.names[index]),
    text: shown.map((index) => [`<b>${table.names[index]}</b>`,
      ...[...new Set([across, up, colour])].map((key) => value(key, index))].join("<br>")),
    hovertemplate: "%{text}<extra></extra>",
    marker: { size: 10, line: { width: 1, color: colours.quiet }, ...colouring(colour, table, shown, colours) },
  };
  Plotly.react("scatter", [trace], layout(colours, { xaxis: axis(across), yaxis: axis(up), hovermode: "closest", margin: { l: 60, r: 20, t: 40, b: 50 } }), CONFIG);
  const of = `${shown.length} ${input("level").value}s: ${labels[up]} over ${labels[across]}, coloured by ${labels[colour]}`;
  input("scatter").setAttribute("aria-label", `Scatter plot of ${of}. The tables have the values.`);
}

function drawCurves(colours) {
  if (!input("curves")) return;
  const [key, colour, picked] = ["curve", "colour", "run"].map((id) => input(id).value);
  const { values } = scale(colour, rows.run.columns[colour] ?? []);
  const given = values.filter((value) => typeof value === "number");
  const [low, high] = [Math.min(...given), Math.max(...given)];
  const of = new Map(rows.run.names.map((name, index) => [name, values[index]]));
  const shown = Object.keys(curves.runs).filter((name) => passes(name, true));
  const line = (name, split) => ({
    type: "scatter",
    mode: "lines",
    x: curves.runs[name].epoch,
    y: curves.runs[name][split + key],
    customdata: curves.runs[name].epoch.map(() => name),
    hovertemplate: `<b>${name}</b><br>${split.slice(0, -1)}, epoch %{x}: %{y}<extra></extra>`,
    showlegend: false,
    opacity: split === "test_" ? 1 : 0.6,
    line: {
      color: typeof of.get(name) !== "number" ? colours.quiet : shade(high > low ? (of.get(name) - low) / (high - low) : 0, colours.scale),
      width: name === picked ? 4 : 1.3,
      dash: split === "test_" ? "solid" : "dot",
    },
  });
  const traces = shown.flatMap((name) => [line(name, "train_"), line(name, "test_")]);
  const last = Math.max(0, ...shown.map((name) => curves.runs[name].epoch.at(-1)));
  const plain = { gridcolor: colours.line, zeroline: false, linecolor: colours.quiet };
  Plotly.react("curves", traces, layout(colours, {
    xaxis: { ...plain, title: { text: "epoch" }, tickformat: "d", nticks: 9, ...(last < 9 && { dtick: 1 }) },
    yaxis: { ...plain, title: { text: curves.labels[key] } },
    hovermode: "closest",
    margin: { l: 60, r: 20, t: 20, b: 50 },
  }), CONFIG);
  input("curves").setAttribute("aria-label", `Learning curves of ${shown.length} runs: ${curves.labels[key]} by epoch, coloured by ${labels[colour]}.`);
}

function element(tag, text, more = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...more });
}

// The figures and the pictures of the run that was picked.
function showRun() {
  const run = input("run").value;
  const index = rows.run.names.indexOf(run);
  if (index < 0) return input("picked").replaceChildren(element("p", "No run matches these names."));
  const facts = document.createElement("dl");
  for (const [key, values] of Object.entries(rows.run.columns)) {
    if (values[index] === null) continue;
    const fact = document.createElement("div");
    fact.append(element("dt", labels[key]), element("dd", String(worded(values[index]))));
    facts.append(fact);
  }
  const parts = [facts];
  if (explorer?.includes(run)) {
    parts.unshift(element("a", "Move its latents in the explorer", { href: `explorer.html#run=${encodeURIComponent(run)}` }));
  }
  const source = pictures.sources[run];
  if (source) {
    const [width, height] = pictures.size;
    const what = "test images, their reconstructions, samples of the prior";
    parts.push(element("img", "", { src: source, alt: `${run}: ${what}`, width: 2 * width, height: 2 * height }));
    parts.push(element("p", `From top to bottom: ${what}.`, { className: "note" }));
  } else {
    parts.push(element("p", "No pictures: its weights were not here when this page was written.", { className: "note" }));
  }
  input("picked").replaceChildren(...parts);
}

function pick(name) {
  const index = input("level").value === "run" || rows.run.names.includes(name)
    ? rows.run.names.indexOf(name) : rows.run.configurations.indexOf(name);
  if (index < 0) return;
  input("run").value = rows.run.names[index];
  showRun();
  drawCurves(look());
}

function fill(id, table, wanted) {
  const keys = Object.keys(labels).filter((key) => key in table.columns);
  const before = input(id).value;
  input(id).replaceChildren(...keys.map((key) => new Option(labels[key], key)));
  input(id).value = [before, ...wanted].find((key) => keys.includes(key)) ?? keys[0];
}

function fillRuns() {
  const before = input("run").value;
  const names = rows.run.names.filter((name) => passes(name, true));
  input("run").replaceChildren(...names.map((name) => new Option(name, name)));
  if (names.includes(before)) input("run").value = before;
  const all = rows.run.names.length;
  input("filter-note").textContent = names.length < all ? `${names.length} of ${all} runs` : "";
}

let printing = false; // always light

function draw() {
  const table = rows[input("level").value];
  fill("across", table, ["neg_elbo_joint"]);
  fill("up", table, ["score", "higgins", "kl_fraction"]);
  fill("colour", table, ["beta"]);
  fillRuns();
  drawScatter(table, look());
  drawCurves(look());
  drawParallel(table, look());
  showRun();
}

// Plotly lies in the page as gzip in base64: three of its five megabytes less.
async function loadPlotly() {
  const packed = Uint8Array.from(atob(input("plotly").textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function start() {
  await loadPlotly();
  for (const id of ["level", "colour", "across", "up", "curve", "run"]) input(id)?.addEventListener("change", () => draw());
  input("filter").addEventListener("input", () => draw());
  input("parallel-box").addEventListener("toggle", () => draw());
  dark.addEventListener("change", () => draw());
  for (const [event, starts] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      printing = starts;
      draw();
    });
  }
  draw();
  for (const id of ["scatter", "curves"]) {
    input(id)?.on("plotly_click", (event) => pick(event.points[0].customdata));
  }
}

if (input("level")) start();
