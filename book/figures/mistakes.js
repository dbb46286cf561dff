// What each mistake costs: bits per token on a passage that the model was not trained on.
"use strict";

figures["mistakes"] = {
  start: () => ({ order: "cost", chosen: "no-mask" }),

  controls(data, { order, chosen }) {
    const orders = [
      ["cost", "by cost"],
      ["step", "by step"],
    ];
    const names = data.switches.map(({ name, step, what }) => [name, `${step}: ${what}`]);
    return [
      { kind: "choice", name: "order", label: "Order", options: orders, value: order },
      { kind: "choice", name: "chosen", label: "Mistake", options: names, value: chosen },
    ];
  },

  // The mistakes from top to bottom.
  rows: ({ switches }, order) =>
    order === "step" ? switches : [...switches].sort((a, b) => a.bits - b.bits),

  draw(data, { order, chosen }) {
    const rows = this.rows(data, order);
    const [left, right, top, height, full] = [206, 316, 34, 12, 20];
    const bottom = top + rows.length * height;
    const scaled = (bits) => ((right - left) * Math.min(bits, full)) / full;
    const x = left + scaled(data.right);
    const words = { class: "faint", "font-size": 9, "text-anchor": "middle" };
    const marks = [0, 10, 20].map((bits) =>
      label(left + scaled(bits), top - 6, bits, words),
    );
    const line = { x1: x, x2: x, y1: top - 4, y2: bottom + 2, class: "other-line" };
    return picture(
      bottom + 16,
      this.describe(data, { chosen }),
      label(left, 12, "bits per token", { class: "faint" }),
      label(0, top - 6, "step", { class: "faint" }),
      marks,
      rows.map((row, i) => this.row(row, row.name === chosen, top + i * height, scaled)),
      tag("line", line),
      label(x, bottom + 13, `without any: ${data.right.toFixed(2)}`, words),
    );
  },

  row({ name, step, what, bits }, isChosen, y, scaled) {
    const kind = { "font-size": 8.5, class: isChosen ? "strong" : undefined };
    const shown = what.length > 42 ? `${what.slice(0, 40)}…` : what;
    const bar = { x: 206, y: y + 2, width: scaled(bits), height: 8 };
    const reach = { x: 0, y, width: 340, height: 12, fill: "none" };
    return [
      label(10, y + 9, step, { ...kind, "text-anchor": "end" }),
      label(16, y + 9, shown, kind),
      tag("rect", { ...bar, class: "figure", opacity: isChosen ? 1 : 0.6 }),
      label(340, y + 9, bits.toFixed(2), { ...kind, "text-anchor": "end" }),
      tag("rect", {
        ...reach,
        "pointer-events": "all",
        "data-hover": "chosen",
        "data-value": name,
      }),
    ];
  },

  describe(data, { chosen }) {
    const { step, what, why, bits } = data.switches.find(({ name }) => name === chosen);
    const more = bits - data.right;
    const cost =
      Math.abs(more) < 0.05
        ? `costs next to nothing: ${bits.toFixed(2)} bits per token`
        : `${bits.toFixed(2)} bits per token, ${signed(more)} against none`;
    return `Step ${step}, ${what}: ${cost}. ${why}`;
  },
};
