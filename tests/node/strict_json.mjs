// JSON for verdicts, as strict as docs/developers/writing-a-client.md describes it in steps 3 and 8.

export class JsonFault extends Error {}

const INTEGER_MAX = Number.MAX_SAFE_INTEGER;
const DEPTH_MAX = 8;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity/y;
const WORDS = { true: true, false: false, null: null };

/** The object in `bytes`. Throws JsonFault: not-json, member-duplicate, too-deep or number. */
export function parseStrict(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonFault("not-json");
  }
  let depth = 0;
  for (const [bracket] of text.matchAll(/"(?:[^"\\]|\\.)*("|$)|[[{\]}]/gs)) {
    if (bracket === "{" || bracket === "[") depth += 1;
    if (bracket === "}" || bracket === "]") depth -= 1;
    if (depth > DEPTH_MAX) throw new JsonFault("too-deep");
  }
  const found = new Parser(text).document();
  if (found === null || typeof found !== "object" || Array.isArray(found)) throw new JsonFault("not-json");
  return found;
}

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  document() {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) throw new JsonFault("not-json");
    return value;
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  /** Whether `character` comes next; it is consumed. */
  takes(character) {
    this.space();
    const found = this.text[this.at] === character;
    if (found) this.at += 1;
    return found;
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  value() {
    if (this.takes("{")) return this.object();
    if (this.takes("[")) return this.items("]", () => this.value());
    if (this.text[this.at] === '"') return this.string();
    for (const word of Object.keys(WORDS)) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return WORDS[word];
      }
    }
    const found = this.match(NUMBER);
    if (!found) throw new JsonFault("not-json");
    const integer = found[1] === undefined && found[2] === undefined ? Number(found[0]) : NaN;
    if (!(Math.abs(integer) <= INTEGER_MAX)) throw new JsonFault("number");
    return integer;
  }

  items(end, one) {
    const items = [];
    if (this.takes(end)) return items;
    do items.push(one());
    while (this.takes(","));
    if (!this.takes(end)) throw new JsonFault("not-json");
    return items;
  }

  object() {
    const members = this.items("}", () => {
      this.space();
      const name = this.string();
      if (!this.takes(":")) throw new JsonFault("not-json");
      return [name, this.value()];
    });
    if (new Set(members.map(([name]) => name)).size !== members.length) throw new JsonFault("member-duplicate");
    return Object.assign(Object.create(null), Object.fromEntries(members));
  }

  string() {
    const found = this.match(STRING);
    if (!found) throw new JsonFault("not-json");
    const value = JSON.parse(found[0]);
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) {
      throw new JsonFault("not-json"); // half of a surrogate pair
    }
    return value;
  }
}
