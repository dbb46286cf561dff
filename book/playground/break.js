// Breaking it: switches, and what the broken model writes beside the right one.
"use strict";

here.broken = []; // the switches that are on

const catalogue = () => (catalogue.data ??= mistakesData());
const mistakeNamed = (name) => catalogue().switches.find((one) => one.name === name);

does.switch = async ({ value, checked }) => {
  const others = here.broken.filter((name) => name !== value);
  here.broken = checked ? together([...others, value]) : others;
  await rewrite();
};

does.mend = async () => {
  here.broken = [];
  await rewrite();
};

// Writes anew, with other mistakes than before.
async function rewrite() {
  here.side = here.broken.length || here.quiz?.answer ? 1 : 0;
  await ready();
  await writeAnew();
}

// --- What is shown ------------------------------------------------------------------

// The two texts beside each other.
function panesView() {
  return tag("div", { class: "panes" }, here.texts.map((text, side) =>
    tag("section", { "aria-label": sideNames[side] }, [
      tag("h4", {}, side === 0 ? "GPT-2" : "GPT-2, broken"),
      tokensView(side),
      endView(text),
    ]),
  ));
}

function costView() {
  const needs = Object.entries(costNeeds());
  const [right, broken] = needs.map(([name, need]) => found(name, need));
  if (broken === undefined) return paragraph("Its bits per token are being counted.");
  const of = right === undefined ? "" : `, against ${right.toFixed(2)} without the mistake`;
  const cost = Number.isFinite(broken)
    ? `${broken.toFixed(2)} bits per token${of}`
    : "it computes no numbers any more";
  const none = Math.log2(here.opened.tokens.length).toFixed(2);
  return paragraph(
    `On a passage that the model has not learned from: ${cost}. A model that knows ` +
      `nothing needs ${none}; one that needs more is sure of what is wrong.`,
  );
}

// What each side costs on the first held-out passage.
function costNeeds() {
  const passage = catalogue().passages[0];
  return Object.fromEntries(
    sides().map((broken, side) => [`cost ${side}`, { act: "cost", passage, broken }]),
  );
}

// A step's number as its files have it: "07".
const twoDigits = (step) => String(step).padStart(2, "0");

// A link to the step in which a mistake is made.
function stepLink(step) {
  const number = twoDigits(step);
  return tag("a", { href: `step_${number}.html` }, `step\u00a0${number}`);
}

// A mistake in words: what it does, and what the coach says of it.
function explained({ what, does: effect, why, step }) {
  const words = ` ${escape(effect)} The coach says: ${escape(why)} `;
  return [tag("strong", {}, escape(what)), words, stepLink(step)];
}

function switchView({ name, what, does: effect, step }) {
  const isOn = here.broken.includes(name);
  const attributes = { type: "checkbox", "data-do": "switch", "data-value": name };
  const box = tag("input", { ...attributes, checked: isOn && "checked" });
  return tag("li", {}, [
    tag("label", {}, [box, tag("strong", {}, escape(what))]),
    tag("span", {}, [` ${escape(effect)} `, stepLink(step)]),
  ]);
}

parts.break = {
  controls: ({ broken, writing }) => [
    { kind: "button", name: "write", label: "Write" },
    { kind: "button", name: "stop", label: "Stop", disabled: !writing },
    { kind: "button", name: "mend", label: "All off", disabled: !broken.length },
  ],

  needs: () => ({
    ...(here.broken.length ? costNeeds() : {}),
    choices: here.chosen ? choicesNeed() : null,
  }),

  view(state) {
    if (state.quiz) {
      return paragraph("A mistake is being looked for, below: the switches are hidden.");
    }
    const steps = [...new Set(catalogue().switches.map(({ step }) => step))];
    const lists = steps.map((step) => {
      const switches = catalogue().switches.filter((one) => one.step === step);
      const on = switches.filter(({ name }) => state.broken.includes(name)).length;
      const words = `Step ${twoDigits(step)}: ${switches.length} mistakes`;
      return tag("details", { open: on > 0 && "open" }, [
        tag("summary", {}, on ? `${words}, ${on} on` : words),
        tag("ul", { class: "switches" }, switches.map(switchView)),
      ]);
    });
    const on = state.broken.map(mistakeNamed);
    return [
      tag("div", { class: "catalogue" }, lists),
      statusView(state),
      state.texts.length > 1 ? [panesView(), costView()] : "",
      on.map((one) => tag("p", {}, explained(one))),
      state.chosen ? choicesView() : "",
    ];
  },
};
