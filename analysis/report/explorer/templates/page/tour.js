"use strict";
// The tour: three steps above the page, which close once read; nothing depends on it.

const CLOSED = "latent-explorer-tour-closed";

/** Memory of the browser, where there is one: pages of files may have none. */
const memory = {
  get: (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set: (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {
      // it opens again next time
    }
  },
};

function startTour() {
  const tour = document.getElementById("tour");
  const open = document.getElementById("tour-open");
  const turn = (on) => {
    tour.hidden = !on;
    open.setAttribute("aria-expanded", on);
    if (!on) point(null);
    memory.set(CLOSED, on ? "" : "yes");
  };
  open.addEventListener("click", () => {
    turn(tour.hidden);
    if (!tour.hidden) tour.querySelector("button").focus();
  });
  const close = () => {
    turn(false);
    open.focus();
  };
  document.getElementById("tour-close").addEventListener("click", close);
  tour.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  for (const step of document.querySelectorAll("[data-shows]")) {
    step.addEventListener("click", () => point(document.getElementById(step.dataset.shows)));
  }
  tour.hidden = memory.get(CLOSED) === "yes";
  open.setAttribute("aria-expanded", !tour.hidden);
}

/** Frame a part of the page and bring it into sight; null: none. */
function point(part) {
  document.querySelector(".pointed")?.classList.remove("pointed");
  if (!part) return;
  part.classList.add("pointed");
  part.scrollIntoView({ block: "nearest" });
  const first = part.querySelector("input:not(:disabled), [tabindex='0'], button");
  first?.focus({ preventScroll: true });
}
