// The page: one state, parts that show it, and a worker that computes.
//
// A part stands in the chapter as <figure data-part="NAME">, and is an object:
//
//   controls(state)   the inputs above it, as those of a figure (figures/figures.js)
//   view(state)       what is below them, as HTML
//   needs(state)      what it wants to be computed while it is on the screen:
//                     {name: {act, ...}}; the answers come to be in state.found
//
// An input, and what is clicked with data-do="NAME" data-value="..." (in a picture that
// figures share, data-hover), calls `does.NAME(value)`, which changes the state; then
// everything is shown anew.
"use strict";

const parts = {}; // by name
const does = {}; // by name
const here = {
  opened: null, // {name, config, tokens, tokenizer}, once there is a model
  loading: null, // how much of it has come, from 0 to 1
  trouble: "", // a line about what went wrong
  found: {}, // answers of the worker: {name: {key, answer}}
};

// --- The worker ---------------------------------------------------------------------

const computer = {
  worker: null,
  asked: new Map(), // what is done with an answer, by the number of the question

  // Its script stands in the page: a page that is opened as a file may load no other.
  start() {
    const text = document.getElementById("playground-worker").textContent;
    const script = new Blob([text], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(script));
    this.worker.onmessage = ({ data: { id, told, done, refused } }) => {
      const question = this.asked.get(id);
      if (told) return question.told(told);
      this.asked.delete(id);
      if (refused) question.reject(inTrouble(refused));
      else question.resolve(done);
    };
    this.worker.onerror = ({ message }) =>
      inTrouble(`The page could not start its worker (${message}): reload it, please.`);
  },

  // Asks for one of the worker's acts; `told` is given what comes before the answer.
  // Where it is refused, the page shows why, and what waits for it stops.
  ask(act, given = {}, told = () => {}) {
    if (!this.worker) this.start();
    return new Promise((resolve, reject) => {
      const id = (this.last = (this.last ?? 0) + 1);
      this.asked.set(id, { resolve, reject, told });
      this.worker.postMessage({ id, act, ...given });
    });
  },
};

// What stops because of a trouble, which is shown.
class Ended extends Error {}

function inTrouble(line) {
  here.trouble = line;
  show();
  return new Ended();
}

// --- The model ----------------------------------------------------------------------

// Loads models/shakespeare, the first time that something needs a model.  It lies beside
// the page in scripts, which a page may load that is opened as a file.
function ready() {
  ready.promise ??= (async () => {
    here.loading = 0;
    show();
    for (let at = 0, of = 1; at < of; at++) {
      const part = await weightsPart(at);
      of = part.of;
      computer.ask("part", { at, ...part });
      here.loading = (at + 1) / of;
      show();
    }
    keep("models/shakespeare", await computer.ask("open"));
  })().catch((error) => {
    ready.promise = null; // the next try may do better
    here.loading = null;
    throw error;
  });
  return ready.promise;
}

function weightsPart(at) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `weights/part-${at}.js`;
    globalThis.weightsPartCame = resolve;
    script.onerror = () =>
      reject(
        inTrouble(
          `The model could not be loaded: ${script.src} is missing. ` +
            "Build the book with ./run build-book, or go on when you are online again.",
        ),
      );
    script.onload = () => script.remove();
    document.head.append(script);
  });
}

// A checkpoint has been opened.
function keep(name, { config, tokens, special }) {
  const tokenizer = new Tokenizer({ vocab: tokens, merges: [], special });
  Object.assign(here, { opened: { name, config, tokens, tokenizer }, loading: null });
  Object.assign(here, { found: {}, trouble: "" });
}

// A token as one reads it in a text; what is no text, as its bytes.
function spelled(id) {
  const { tokens, tokenizer } = here.opened;
  const piece = tokens[id] ?? "";
  if (piece === tokenizer.special) return piece;
  const text = tokenizer.text(piece)?.replaceAll("\n", "↵");
  const isText = text !== undefined && !/\p{Other}/u.test(text);
  return isText ? text : `⟨${tokenizer.hex(piece).join(" ")}⟩`;
}

// --- Showing ------------------------------------------------------------------------

// Shows the state, once before the next picture of the screen.  Whatever grows above it,
// the part that is being used stays where it is.
function show() {
  show.due ??= requestAnimationFrame(() => {
    show.due = null;
    const top = () => here.used?.getBoundingClientRect().top ?? 0;
    const before = top();
    for (const shown of mounted) if (shown.onScreen) shown.update();
    if (top() !== before) scrollBy({ top: top() - before, behavior: "instant" });
    wish();
  });
}

const mounted = []; // the parts of this page

function mountPart(place) {
  const part = parts[place.dataset.part];
  const panel = document.createElement("div");
  const area = document.createElement("div");
  [panel.className, area.className] = ["controls", "area"];
  place.replaceChildren(panel, area);
  const inputs = {};
  const shown = {
    part,
    onScreen: false,
    update() {
      for (const control of part.controls(here)) {
        if (!inputs[control.name]) {
          inputs[control.name] = makeInput(control, act);
          panel.append(inputs[control.name].element);
        }
        inputs[control.name].update(control);
      }
      patch(area, [part.view(here)].flat(Infinity).join(""));
    },
  };
  mounted.push(shown);
  shown.update();
  new IntersectionObserver((entries) => {
    shown.onScreen = entries.at(-1).isIntersecting;
    if (shown.onScreen) show();
  }).observe(place);
  const use = () => (here.used = place);
  place.addEventListener("pointerdown", use);
  place.addEventListener("focusin", use);
  place.addEventListener("click", ({ target }) => {
    const touched = target.closest("[data-do], [data-hover]");
    if (touched && touched.localName !== "input") {
      act(touched.dataset.do ?? touched.dataset.hover, touched.dataset.value);
    }
  });
  place.addEventListener("change", ({ target }) => {
    const { do: name, value } = target.dataset;
    if (!name) return;
    if (target.type === "file") act(name, [...target.files]);
    else act(name, { value, checked: target.checked });
  });
  place.addEventListener("keydown", moveAlong);
}

// Runs what an input is for.  A trouble of before is over.
async function act(name, value) {
  here.trouble = "";
  try {
    await does[name](value);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  }
  show();
}

// Among the tokens of a text, the arrows go from one to the next; beyond it, they turn
// the page, which nobody wants in here.
function moveAlong(event) {
  if (!event.key.startsWith("Arrow")) return;
  event.stopPropagation();
  const token = event.target.closest(".tokens button");
  if (!token) return;
  const forward = ["ArrowRight", "ArrowDown"].includes(event.key);
  const all = [...token.closest(".tokens").querySelectorAll("button")];
  const next = all[all.indexOf(token) + (forward ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

// Asks the worker for what the parts on the screen need and what is not known yet, one
// after the other, while nothing is being written.
async function wish() {
  if (wish.busy || !here.opened || here.writing) return;
  const visible = mounted.filter(({ onScreen }) => onScreen);
  const needs = Object.assign({}, ...visible.map(({ part }) => part.needs?.(here)));
  const due = Object.entries(needs).find(
    ([name, need]) => need && here.found[name]?.key !== JSON.stringify(need),
  );
  if (!due) return;
  const [name, need] = due;
  wish.busy = true;
  const { act: asked, ...given } = need;
  const answer = await computer.ask(asked, given).catch(() => undefined);
  here.found[name] = { key: JSON.stringify(need), answer };
  wish.busy = false;
  show();
}

// What the worker has found for a need, or undefined while it has not.
function found(name, need) {
  const known = here.found[name];
  return known?.key === JSON.stringify(need) ? known.answer : undefined;
}

// --- HTML ---------------------------------------------------------------------------

// A button that calls `does[name](value)`.
function button(name, value, words, attributes = {}) {
  const given = { "data-do": name, "data-value": value, ...attributes };
  return tag("button", { type: "button", ...given }, escape(words));
}

function paragraph(words, attributes = {}) {
  return tag("p", attributes, escape(words));
}

// Makes what stands in a place equal to HTML and keeps what is the same, so that the
// focus stays where it is.
function patch(place, html) {
  if (place.shown === html) return;
  place.shown = html;
  const made = document.createElement("template");
  made.innerHTML = html;
  patchChildren(place, made.content);
}

function patchChildren(place, made) {
  const [old, now] = [[...place.childNodes], [...made.childNodes]];
  now.forEach((node, i) => {
    if (!old[i]) place.append(node);
    else if (old[i].nodeName !== node.nodeName) old[i].replaceWith(node);
    else patchNode(old[i], node);
  });
  old.slice(now.length).forEach((node) => node.remove());
}

function patchNode(old, node) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && !node.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.localName === "input") old.checked = node.checked;
  patchChildren(old, node);
}

document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("figure[data-part]")) return;
  document.querySelectorAll("figure[data-part]").forEach(mountPart);
  act("followAddress");
  addEventListener("hashchange", () => act("followAddress"));
});
