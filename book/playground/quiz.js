// Which one is it?  A mistake is made in secret, and is to be found.
"use strict";

here.quiz = null; // {level, options, answer, said}; no answer once it is over
here.score = { right: 0, asked: 0 };

// How many there are to choose from, and how much the mistake costs at least, in bits
// per token.  What costs next to nothing is asked at no level: nobody could see it.
const levels = [
  { name: "1: four to choose from", options: 4, least: 3 },
  { name: "2: ten to choose from", options: 10, least: 1.2 },
  { name: "3: all of them", options: Infinity, least: 0.05 },
];

does.ask = async (value) => {
  const level = levels[value];
  const { switches, right } = catalogue();
  const seen = switches.filter(({ bits }) => bits - right >= level.least);
  const names = shuffled(seen.map(({ name }) => name));
  const answer = names[0];
  const options = switches
    .map(({ name }) => name)
    .filter((name) => names.slice(0, level.options).includes(name));
  here.quiz = { level: Number(value), options, answer, said: null };
  here.taken = [];
  await rewrite();
};

does.say = (name) => {
  here.quiz = { ...here.quiz, said: name };
  here.score.asked += 1;
  if (name === here.quiz.answer) here.score.right += 1;
};

does.leave = async () => {
  here.quiz = null;
  await rewrite();
};

function shuffled(list) {
  return list
    .map((one) => [Math.random(), one])
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

parts.quiz = {
  controls: ({ writing, quiz }) => [
    { kind: "button", name: "write", label: "Write", disabled: !quiz },
    { kind: "button", name: "stop", label: "Stop", disabled: !writing },
    { kind: "button", name: "leave", label: "Enough", disabled: !quiz },
  ],

  needs: ({ quiz }) => (quiz?.said ? costNeeds() : {}),

  view(state) {
    const { quiz, score } = state;
    const tries = score.asked ? ` ${score.right} of ${score.asked} found.` : "";
    const begin = levels.map(({ name }, i) => button("ask", i, name));
    if (!quiz) {
      return [
        statusView(state),
        paragraph(`Choose a level, and a mistake is made in secret.${tries}`),
        tag("div", { class: "buttons-in-a-row" }, begin),
      ];
    }
    return [
      statusView(state),
      state.texts.length > 1 ? panesView() : "",
      quiz.said ? [this.explanation(quiz), costView()] : this.question(quiz),
      quiz.said
        ? [paragraph(`Another one?${tries}`), tag("div", { class: "buttons-in-a-row" }, begin)]
        : "",
    ];
  },

  question: ({ options }) => [
    paragraph("Prompt and settings may be changed above, and so may what you look at."),
    paragraph("Which one is it?"),
    tag("div", { class: "options" }, options.map(mistakeNamed).map(({ name, step, what }) =>
      button("say", name, `${step}: ${what}`),
    )),
  ],

  explanation({ answer, said }) {
    const isRight = answer === said;
    const verdict = isRight ? "Right." : `No, it is not "${mistakeNamed(said).what}".`;
    return tag("div", { role: "status" }, [
      paragraph(`${verdict} It is:`),
      tag("p", {}, explained(mistakeNamed(answer))),
    ]);
  },
};
