// The reader's own weights: any GPT-2 from a folder, which never leaves the machine.
"use strict";

does.open = async (files) => {
  if (!files.length) return;
  here.loading = 0;
  here.writing = false;
  show();
  const folder = files[0].webkitRelativePath.split("/")[0] || "your files";
  try {
    const opened = await computer.ask("open", { files }, ({ share }) => {
      here.loading = share;
      show();
    });
    ready.promise = Promise.resolve();
    forgetTexts();
    keep(folder, opened);
  } finally {
    here.loading = null;
  }
};

// Back to the model that came with the book.
does.forget = async () => {
  ready.promise = null;
  forgetTexts();
  here.opened = null;
  await ready();
};

// What another model has written or was asked.
function forgetTexts() {
  Object.assign(here, { texts: [], taken: [], chosen: null, guess: null, quiz: null });
}

parts.own = {
  controls: ({ opened }) => [
    {
      kind: "button",
      name: "forget",
      label: "Back to Shakespeare",
      disabled: !opened || opened.name === "models/shakespeare",
    },
  ],

  view(state) {
    const { opened } = state;
    const input = (words, more) =>
      tag("label", {}, [
        words,
        tag("input", { type: "file", "data-do": "open", multiple: "multiple", ...more }),
      ]);
    return [
      tag("div", { class: "controls" }, [
        input("A folder ", { webkitdirectory: "webkitdirectory" }),
        input("or its files ", {}),
      ]),
      statusView(state),
      opened ? paragraph(this.sizes(opened), { role: "status" }) : "",
    ];
  },

  sizes({ name, config }) {
    const { n_layer, n_head, n_embd, n_positions, vocab_size } = config;
    return (
      `Open is ${name}: ${n_layer} layers, ${n_head} heads, width ${n_embd}, ` +
      `${grouped(vocab_size)} tokens, ${grouped(n_positions)} positions.`
    );
  },
};
