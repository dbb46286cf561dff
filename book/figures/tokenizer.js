// GPT-2's tokenizer: text to ids.  The text is cut into words, each word is taken as
// bytes, and the bytes are joined, pair by pair, as often as the vocabulary allows.
"use strict";

// A word is an ending such as 's; letters, digits or other characters with at most one
// space before them; or a run of spaces, which leaves its last one to a word that
// follows.
// (\s of a JavaScript expression is not quite Unicode's space.)
const WORDS = new RegExp(
  [
    "'s|'t|'re|'ve|'m|'ll|'d",
    " ?\\p{L}+",
    " ?\\p{N}+",
    " ?[^\\p{White_Space}\\p{L}\\p{N}]+",
    "\\p{White_Space}+(?!\\P{White_Space})",
    "\\p{White_Space}+",
  ].join("|"),
  "gu",
);

class Tokenizer {
  // vocab: tokens by id; merges: pairs such as "h e", the first that was joined first;
  // special: the token that stands for itself wherever it occurs.
  constructor({ vocab, merges, special }) {
    this.vocab = vocab;
    this.special = special;
    this.ids = new Map(vocab.map((token, id) => [token, id]));
    this.ranks = new Map(merges.map((pair, rank) => [pair, rank]));
    this.signs = Tokenizer.signs();
    this.bytes = new Map(this.signs.map((sign, byte) => [sign, byte]));
  }

  // The vocabulary writes each byte as a visible sign: itself, if it is one, or the
  // next sign from 256 on.  So a space is "Ġ".
  static signs() {
    const isVisible = (byte) =>
      (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
    let next = 256;
    return Array.from({ length: 256 }, (_, byte) =>
      String.fromCodePoint(isVisible(byte) ? byte : next++),
    );
  }

  // The text as bytes (UTF-8).  Half of a pair of surrogates is no character.
  static utf8(text) {
    const written = encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));
    return Array.from(written.matchAll(/%(..)|./g), ([sign, hex]) =>
      hex ? parseInt(hex, 16) : sign.charCodeAt(0),
    );
  }

  // The words of a text, each as a list of tokens.
  encode(text) {
    const parts = text.split(this.special);
    return parts.flatMap((part, place) => {
      const words = (part.match(WORDS) ?? []).map((word) => {
        const signs = Tokenizer.utf8(word).map((byte) => this.signs[byte]);
        return this.join(signs).at(-1).pieces.map((piece) => this.ids.get(piece));
      });
      return place ? [[this.ids.get(this.special)], ...words] : words;
    });
  }

  // Joins neighbors until no pair is left that can be: always the pair that was joined
  // first when the vocabulary was made.  Returns every stage, each with its `pieces`
  // and, but for the first one, the `rank` of the pair and where it stood.
  join(signs) {
    const stages = [{ pieces: signs }];
    for (;;) {
      const { pieces } = stages.at(-1);
      const found = pieces
        .slice(1)
        .map((piece, at) => ({ rank: this.ranks.get(`${pieces[at]} ${piece}`), at }))
        .filter(({ rank }) => rank !== undefined)
        .reduce((best, pair) => (best && best.rank <= pair.rank ? best : pair), null);
      if (!found) return stages;
      const { at } = found;
      const joined = pieces[at] + pieces[at + 1];
      const next = [...pieces.slice(0, at), joined, ...pieces.slice(at + 2)];
      stages.push({ ...found, pieces: next });
    }
  }

  // How a token came to be; the special one came from nothing.
  history(id) {
    const token = this.vocab[id];
    return token === this.special ? [] : this.join([...token]);
  }

  // A piece as it is read: the text of its bytes, or the bytes where they are only a
  // part of a character or cannot be seen.
  read(piece) {
    if (piece === this.special) return piece;
    const text = this.text(piece);
    const hidden = /[\p{Other}\p{Separator}]/u;
    if (text !== null && !hidden.test(visible(text))) return visible(text);
    return this.hex(piece).join(" ");
  }

  // Whether a piece is only a part of a character.
  isPart(piece) {
    return piece !== this.special && this.text(piece) === null;
  }

  // The text that the bytes of a piece make, or null.
  text(piece) {
    try {
      return decodeURIComponent(`%${this.hex(piece).join("%")}`);
    } catch {
      return null;
    }
  }

  hex(piece) {
    const digits = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");
    return [...piece].map((sign) => digits(this.bytes.get(sign)));
  }
}
