"use strict";

// Tables: a button in every heading, so that the keyboard sorts as the mouse does.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, heading, column));
  });
}

function sortBy(table, heading, column) {
  const body = table.tBodies[0];
  const descending = heading.getAttribute("aria-sort") === "ascending";
  const value = (row) => {
    const cell = row.cells[column];
    if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
    const text = cell.textContent.trim();
    return text === "–" || text === "" ? null : text;
  };
  const names = new Intl.Collator("en", { numeric: true });
  const compare = (one, other) => {
    const [left, right] = [value(one), value(other)];
    if (left === null || right === null) return (left === null) - (right === null);
    const order = typeof left === "number" && typeof right === "number"
      ? left - right : names.compare(String(left), String(right));
    return descending ? -order : order;
  };
  table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  body.append(...[...body.rows].sort(compare));
}

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
const { labels, axes, rows } = JSON.parse(document.getElementById("data").textContent);
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
const said = (value) => value === null ? "–" : WORDS[value] ?? (typeof value === "number" ? Number(value.toPrecision(4)) : value);

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
    names: known.map((value) => String(said(value))),
  };
}

function has(table, key, index) {
  return axes.includes(key) || table.columns[key][index] !== null;
}

function look(print) {
  return dark.matches && !print ? DARK : LIGHT;
}

function layout(colours, more) {
  return {
    paper_bgcolor: colours.ground,
    plot_bgcolor: colours.ground,
    font: { color: colours.text, size: 12, family: "system-ui, sans-serif" },
    ...more,
  };
}

function colouring(key, table, kept, colours) {
  const { values, ticks, names } = scale(key, table.columns[key]);
  const bar = { title: { text: labels[key], side: "right" }, thickness: 12, outlinewidth: 0 };
  if (ticks) Object.assign(bar, { tickvals: ticks, ticktext: names });
  const shown = kept.map((index) => values[index]);
  const ends = [Math.min(...shown), Math.max(...shown)];
  if (ends[0] === ends[1]) ends[1] = ends[0] + 1;
  return { color: shown, colorscale: colours.scale, cmin: ends[0], cmax: ends[1], showscale: true, colorbar: bar };
}

// Plotly would offer to send the chart to its makers' cloud.
const UNWANTED = ["sendChartToCloud", "select2d", "lasso2d"];
const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: UNWANTED, plotlyServerURL: "" };

function drawParallel(table, colours) {
  const keys = [...axes, ...FIGURES].filter((key) => key in table.columns);
  const colour = input("colour").value;
  const whole = table.names.map((_, index) => index).filter((index) =>
    [...keys, colour].every((key) => has(table, key, index)));
  const dropped = table.names.length - whole.length;
  input("parallel-note").textContent = dropped ? `${dropped} lack a figure and are left out.` : "";
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
}

function drawScatter(table, colours) {
  const [across, up, colour] = ["across", "up", "colour"].map((id) => input(id).value);
  const kept = table.names.map((_, index) => index).filter((index) =>
    [across, up, colour].every((key) => has(table, key, index)));
  const axis = (key) => {
    const { ticks, names } = scale(key, table.columns[key]);
    const plain = { title: { text: labels[key] }, gridcolor: colours.line, zeroline: false, linecolor: colours.quiet };
    return ticks ? { ...plain, tickvals: ticks, ticktext: names } : plain;
  };
  const place = (key) => kept.map((index) => scale(key, table.columns[key]).values[index]);
  const trace = {
    type: "scatter",
    mode: "markers",
    x: place(across),
    y: place(up),
    text: kept.map((index) => [`<b>${table.names[index]}</b>`, ...[...new Set([across, up, colour])]
      .map((key) => `${labels[key]}: ${said(table.columns[key][index])}`)].join("<br>")),
    hovertemplate: "%{text}<extra></extra>",
    marker: { size: 10, line: { width: 1, color: colours.quiet }, ...colouring(colour, table, kept, colours) },
  };
  Plotly.react("scatter", [trace], layout(colours, { xaxis: axis(across), yaxis: axis(up), hovermode: "closest", margin: { l: 60, r: 20, t: 40, b: 50 } }), CONFIG);
}

function fill(id, table, wanted) {
  const keys = Object.keys(labels).filter((key) => key in table.columns);
  const before = input(id).value;
  input(id).replaceChildren(...keys.map((key) => new Option(labels[key], key)));
  input(id).value = [before, ...wanted].find((key) => keys.includes(key)) ?? keys[0];
}

function draw(print = false) {
  const table = rows[input("level").value];
  fill("across", table, ["neg_elbo_joint"]);
  fill("up", table, ["score", "higgins", "kl_fraction"]);
  fill("colour", table, ["beta"]);
  drawParallel(table, look(print));
  drawScatter(table, look(print));
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
  for (const id of ["level", "colour", "across", "up"]) input(id).addEventListener("change", () => draw());
  dark.addEventListener("change", () => draw());
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw());
  draw();
}

if (input("level")) start();
