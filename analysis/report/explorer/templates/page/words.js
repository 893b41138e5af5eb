"use strict";
// What the page says beside its names.

const STEP =
  "A step is one standard deviation of the codes; what a slider does was measured over two steps." +
  " Leakage is the share of the squared effects that falls on other properties.";
const TURNS = {
  knob: [
    "Properties",
    "Each slider mixes latents so that, on average, one property changes by the amount you ask for and" +
      " the others stay the same. It ends where this is no longer true for other images. Beside it: the" +
      " change that you asked for, and the change that this picture obtained.",
  ],
  latent: [
    "Latents",
    "Each slider sets one number of the code, over the paper\u2019s range from \u22125 to 5. " + STEP,
  ],
  ica: ["ICA directions", "Each slider moves along an independent component of the codes. " + STEP],
  between: [
    "Between two pictures",
    "The slider leads from the first picture to the second in a straight line between their codes" +
      " (linear interpolation). Choose the second picture below or on the map.",
  ],
};
const TOO_OLD =
  "This browser cannot unpack the models: it needs Chrome 80, Firefox 113, Safari 16.4 or a later one.";
const UNMEASURED =
  (payload.properties.length
    ? "What the latents move has not been measured (study score does it)"
    : "Nothing measures these pictures") + ": the most used latents come first.";
const IN_SD =
  " Where the prior is not N(0, I), they are in standard deviations of the codes of test images," +
  " around their mean.";
const IN_PRIOR =
  ` The decoder does not see the ${payload.noun}; choosing one moves the latents to its mean in` +
  " the prior.";
const MIXED = ` The condition changes with it, in the same proportion, from one ${payload.noun} to the other.`;

function mapWords(run, n) {
  const share = Math.round(100 * run.map.explained);
  return (
    `${n} test images, at the first two principal components of their codes (${share}% of the` +
    " variance). The ring is your picture. Click an image to start from it."
  );
}

function seedWords(basis, agreement) {
  const words = {
    knob: "The same model, trained from other random weights. Its sliders were fitted again, and should do the same.",
    latent: "The same model, trained from other random weights. A latent with the same number may do something else there.",
    ica: "The same model, trained from other random weights. Its components have numbers of their own.",
    between: "The same model, trained from other random weights, between the same two images.",
  }[basis];
  if (agreement === null) return words;
  return `${words} How far the latents of all seeds agree (UDR): ${agreement.toFixed(2)} of 1.`;
}

function drawingWords({ run, reads, drawn }) {
  if (run && !reads) return `This model cannot read a drawing: its encoder ${run.no_encoder}.`;
  if (!drawn) return "It is scaled and centred as MNIST\u2019s digits were, then encoded.";
  const guessed = run?.classes ? ` The ${payload.noun} is a guess: correct it if it is wrong.` : "";
  return `Right: what the model gets. The large picture is drawn from its code.${guessed}`;
}

/** What a start or an end is, in words. */
function imageWords(from) {
  const labelled = (kind, label) => {
    const name = payload.classes[label];
    return name === undefined ? kind : `${kind}, ${payload.noun} ${name}`;
  };
  if (from === "drawn") return "your drawing";
  if (from.startsWith("random-")) return "a random sample of the prior";
  const [, image] = /^map-(\d+)$/.exec(from) ?? [];
  if (image !== undefined) return labelled(`image ${Number(image) + 1} of the map`, payload.map.labels[image]);
  return labelled(`test image ${Number(from) + 1}`, payload.labels[from]);
}
