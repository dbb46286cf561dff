// The shell of every figure that can be touched.
//
// A figure is an object that knows nothing of the page:
//
//   start(data)                    the state that the static picture shows
//   controls(data, state)          the inputs below the picture, as plain objects
//   draw(data, state)              the picture: one <svg> as text, 340 units wide
//   describe(data, state)          the picture in words, for ears and for eyes
//   act(data, state, name, value)  the state after an input (if it is left out, the
//                                  input's value is kept under its name)
//
// So Node can draw the static picture and test all of it, and the page only passes
// on what is done.  Everything can be done with the controls, which every keyboard and
// screen reader knows; the picture answers to a pointer besides:
//
//   data-hover="name" data-value="3"   being pointed at
//   data-touch="name" data-value="3"   being clicked
//   data-drag="name" data-value="3"    being dragged: the value is {at: "3", x, y}
"use strict";

const figures = {}; // by name

// --- Drawing ------------------------------------------------------------------------

// One element as text: tag("rect", {x: 1}) or tag("text", {x: 1}, "words", more).
// What is to be shown literally goes through `escape` first.
function tag(name, attributes = {}, ...children) {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== null && value !== false)
    .map(([key, value]) => ` ${key}="${escape(rounded(value))}"`)
    .join("");
  return `<${name}${written}>${children.flat(Infinity).join("")}</${name}>`;
}

function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[&<>"]/g, (letter) => names[letter]);
}

function rounded(value) {
  return typeof value === "number" ? Math.round(value * 100) / 100 : value;
}

// The whole picture; its words are what a screen reader reads in its place.
function picture(height, words, ...children) {
  const viewBox = `0 0 340 ${height}`;
  return tag("svg", { viewBox, role: "img", "aria-label": words }, children);
}

// Text at a place.  `size` is 10 unless told; anchor is "start", "middle" or "end".
function label(x, y, text, attributes = {}) {
  return tag("text", { x, y, "font-size": 10, ...attributes }, escape(text));
}

// A rectangle between the page's colour (0) and the figure's (1).
function shaded(share, attributes) {
  const style = `--share: ${(100 * Math.min(Math.max(share, 0), 1)).toFixed(1)}%`;
  return tag("rect", { class: "shaded", style, ...attributes });
}

// Numbers as bars side by side: up from the middle above 0, down from it below 0.
// `height` makes pixels of a number's size; whatever else is given is a bar's look.
function signedBars(numbers, height, { left, right, middle, gap, ...look }) {
  const width = (right - left) / numbers.length;
  const bars = numbers.map((number, i) => {
    const tall = height(Math.abs(number));
    const y = number < 0 ? middle : middle - tall;
    const place = { x: left + i * width + gap / 2, y, width: width - gap };
    return tag("rect", { ...place, height: tall, ...look });
  });
  const line = { x1: left, x2: right, y1: middle, y2: middle };
  return [bars, tag("line", { ...line, class: "line", opacity: 0.4 })];
}

// A token as one sees it: spaces and line ends have signs of their own.
function visible(token) {
  return token.replaceAll(" ", "·").replaceAll("\n", "↵");
}

// --- The page -----------------------------------------------------------------------

// Brings one figure of the page to life.
function mount(place) {
  const figure = figures[place.dataset.figure];
  const data = JSON.parse(place.querySelector("script").textContent);
  const shown = place.querySelector(".picture");
  const words = place.querySelector(".words");
  const panel = document.createElement("div");
  panel.className = "controls";
  shown.after(panel);
  words.setAttribute("aria-live", "polite");
  let state = figure.start(data);
  let dragged = null;
  let last = null; // the picture as it was last drawn

  function set(name, value) {
    state = figure.act
      ? figure.act(data, state, name, value)
      : { ...state, [name]: value };
    show();
  }

  // What has not changed stays: a picture that is made anew under a pointer at rest
  // would be pointed at again, and so on without end.
  function show() {
    const drawn = figure.draw(data, state);
    if (drawn !== last) shown.innerHTML = last = drawn;
    const text = figure.describe(data, state);
    if (words.textContent !== text) words.textContent = text;
    for (const control of figure.controls(data, state)) {
      inputs[control.name].update(control);
    }
  }

  const inputs = {};
  for (const control of figure.controls(data, state)) {
    inputs[control.name] = makeInput(control, set);
    panel.append(inputs[control.name].element);
  }

  function passOn(event, kind) {
    const touched = event.target.closest(`[data-${kind}]`);
    if (touched) set(touched.dataset[kind], touched.dataset.value);
  }

  // A place in the picture, in its own units.
  function drag(event) {
    const matrix = shown.querySelector("svg").getScreenCTM().inverse();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    set(dragged.name, { at: dragged.at, x, y });
  }

  // Beyond a figure, the arrows turn the page.
  panel.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) event.stopPropagation();
  });
  shown.addEventListener("pointerover", (event) => passOn(event, "hover"));
  shown.addEventListener("click", (event) => passOn(event, "touch"));
  shown.addEventListener("pointerdown", (event) => {
    const touched = event.target.closest("[data-drag]");
    if (!touched) return;
    dragged = { name: touched.dataset.drag, at: touched.dataset.value };
    shown.setPointerCapture(event.pointerId);
    drag(event);
  });
  shown.addEventListener("pointermove", (event) => dragged && drag(event));
  shown.addEventListener("lostpointercapture", () => (dragged = null));
  place.classList.add("alive");
  show();
}

// The kinds of input.  `make` makes one, `event` says that it was used, `read` gives its
// value, and `show` lets it show what the control says now.
const inputKinds = {
  // {min, max, step, value, text}: the text stands beside the slider.
  range: {
    make: () => Object.assign(document.createElement("input"), { type: "range" }),
    event: "input",
    read: (input) => Number(input.value),
    show(input, { min, max, step = 1, value, text = value }, beside) {
      Object.assign(input, { min, max, step, value });
      input.setAttribute("aria-valuetext", text);
      beside.textContent = text;
    },
  },
  // {options, value}: each option is [value, text].
  choice: {
    make({ options }) {
      const input = document.createElement("select");
      for (const [, text] of options) input.add(new Option(text));
      return input;
    },
    event: "change",
    read: (input, { options }) => options[input.selectedIndex][0],
    show(input, { options, value }) {
      input.selectedIndex = options.findIndex(([option]) => option === value);
    },
  },
  // {value}: true or false.
  switch: {
    make: () => Object.assign(document.createElement("input"), { type: "checkbox" }),
    event: "change",
    read: (input) => input.checked,
    show: (input, { value }) => (input.checked = value),
  },
  // {value}: what is written in it.
  text: {
    make: () => Object.assign(document.createElement("input"), { type: "text" }),
    event: "input",
    read: (input) => input.value,
    show(input, { value }) {
      if (input.value !== value) input.value = value; // or the cursor would jump
    },
  },
  // The same of several lines.
  lines: {
    make: () => document.createElement("textarea"),
    event: "input",
    read: (input) => input.value,
    show(input, { value }) {
      if (input.value !== value) input.value = value;
    },
  },
  // {min, max, value}: a whole number; what is none becomes the nearest that may be.
  number: {
    make: () => Object.assign(document.createElement("input"), { type: "number" }),
    event: "change",
    read: (input, { min, max }) =>
      Math.min(Math.max(Math.floor(input.valueAsNumber || 0), min), max),
    show(input, { min, max, value }) {
      Object.assign(input, { min, max });
      if (input.valueAsNumber !== value) input.value = value;
    },
  },
  // {disabled}: such a button keeps the focus, which would else be lost.
  button: {
    make: () => Object.assign(document.createElement("button"), { type: "button" }),
    event: "click",
    read: () => undefined,
    show(input, { label, disabled = false }) {
      input.textContent = label;
      input.setAttribute("aria-disabled", disabled);
    },
  },
};

// One input of the panel, with its label; `set` takes its name and value when it is used.
function makeInput(control, set) {
  const kind = inputKinds[control.kind];
  const input = kind.make(control);
  input.addEventListener(kind.event, () => {
    if (input.getAttribute("aria-disabled") === "true") return;
    set(control.name, kind.read(input, control));
  });
  const element = document.createElement("span");
  const beside = document.createElement("output");
  if (control.kind === "button") {
    element.append(input);
  } else {
    const label = document.createElement("label");
    const words = control.label;
    label.append(...(control.kind === "switch" ? [input, words] : [words, input]));
    element.append(label, ...(control.kind === "range" ? [beside] : []));
  }
  return { element, update: (now) => kind.show(input, now, beside) };
}

if (typeof document !== "undefined") {
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("figure[data-figure]").forEach(mount);
  });
}
