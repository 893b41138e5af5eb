"use strict";
// The page's menus, and what its buttons give.

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
  for (const { run, title, group, menu } of payload.runs) {
    const listed = [...find("run").options].some(({ value }) => value === group);
    if (!listed) find("run").append(new Option(menu, group));
    find("other").append(new Option(title, run));
  }
  const pictures = () =>
    payload.labels.map((_, i) => {
      const canvas = sized(document.createElement("canvas"));
      paint(canvas.getContext("2d"), pixelsFrom(String(i)));
      return [String(i), canvas, imageWords(String(i))];
    });
  radios("images", pictures(), begin);
  radios("ends", pictures(), (to) => end(to));
  radios("digits", Object.entries(payload.classes), (digit) => {
    Object.assign(state, { digit, at: "class" });
    show(panes.map((pane) => (pane.run.class_means ? undefined : pane)));
  });
  const has = (turn) => turn === "between" || payload.runs.some(({ bases }) => bases[turn]);
  const all = Object.entries(TURNS).map(([turn, [name]]) => [turn, name]);
  const turns = all.filter(([turn]) => payload.properties.length || (turn !== "knob" && has(turn)));
  radios("turns", turns, (turn) => {
    state.turn = turn;
    show(turn === "between" ? [] : [...panes]);
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
