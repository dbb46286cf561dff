// A square with a row for each query and a column for each key: what two figures share.
"use strict";

// The scores with every key hidden that comes after its query.
function causal(scores) {
  const hide = (row, query) =>
    row.map((score, key) => (key > query ? -Infinity : score));
  return scores.map(hide);
}

// Where the square of so many tokens stands.
function squareSize(count) {
  const [left, top] = [58, 62];
  const size = (326 - left) / count;
  return { left, top, size, bottom: top + size * count };
}

// The square with its tokens; `cell(query, key, place)` draws one of its fields.  The
// chosen query is framed, and a pointer on a row chooses it.
function querySquare(tokens, chosen, cell) {
  const { left, top, size } = squareSize(tokens.length);
  const width = size * tokens.length;
  const keys = tokens.map((token, key) => {
    const [x, y] = [left + (key + 0.6) * size, top - 6];
    return label(x, y, visible(token), { transform: `rotate(-45 ${x} ${y})` });
  });
  const rows = tokens.map((token, query) => {
    const y = top + query * size;
    const words = { "text-anchor": "end", class: query === chosen && "strong" };
    const reach = { x: 0, y, width: left + width, height: size, fill: "none" };
    const touch = { "pointer-events": "all", "data-hover": "query" };
    return [
      label(left - 5, y + size * 0.62, visible(token), words),
      tokens.map((_, key) =>
        cell(query, key, { x: left + key * size, y, width: size, height: size }),
      ),
      tag("rect", { ...reach, ...touch, "data-value": query }),
    ];
  });
  const frame = { x: left, y: top + chosen * size, width, height: size };
  return [
    label(0, top - 10, "query", { class: "faint" }),
    label(left, 12, "key", { class: "faint" }),
    keys,
    rows,
    tag("rect", { ...frame, class: "frame", "pointer-events": "none" }),
  ];
}
