// One row from the question to the new answer, as every page shows it.
// Whatever a row says reaches the page as text nodes only.

// Characters that are drawn as nothing or turn the text around them, and that no script needs.
const INVISIBLE =
  /([\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}])/u;
const RUN = 3; // words in a row that must be in both answers for them to be left unmarked

const byId = (id) => document.getElementById(id);
// The tags in canonical order; and by table, in which phase it is made ("in Phase 1").
const { tags: TAGS, steps: STEPS } = JSON.parse(
  document.querySelector("[data-words]").dataset.words,
);

// Elements

// A new element, such as make("p.note", "text", make("b", "more")); null is no child.
function make(what, ...children) {
  const [name, ...classes] = what.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  made.append(...children.flat().filter((child) => child !== null).flatMap(textNodes));
  return made;
}

// A string with its invisible characters shown as code points; an element as it is.
function textNodes(child) {
  if (typeof child !== "string") return child;
  return child.split(INVISIBLE).map((part, at) => {
    if (at % 2 === 0) return part;
    const sign = document.createElement("span");
    sign.className = "invisible";
    sign.textContent = `U+${part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    return sign;
  });
}

// A short fact in a frame; the kind, which sets the colour, is good, bad, unsure, flag or empty.
const chip = (text, kind = "") => make(kind ? `span.chip.${kind}` : "span.chip", text);

// A text of a row, with its line breaks.
function textBox(text) {
  if (text === null) return make("p.absent", "not there");
  return make("div.text", text === "" ? "(empty)" : text);
}

// A summary that shows the rest when it is clicked.
const details = (summary, ...rest) => make("details", make("summary", summary), ...rest);

// One step of a row with its title.
const step = (title, ...content) => make("section.step", make("h4", title), ...content);

// A name of the data as words: "nothing_verified" as "nothing verified".
const asWords = (name) => name.replaceAll("_", " ");

// A text followed by the phase in which the table is made: "Left out in Phase 2".
const inPhase = (text, table) => (table in STEPS ? `${text} ${STEPS[table]}` : text);

// Tagged messages, read as lanes/sysgen/tags.py reads them

const NAMES = TAGS.join("|");
const MARK = new RegExp(
  "<<(?<slashes>/{0,9})(?<name>[^\\x00-@\\[-`{-\\x7f][^\\x00-\\x1f!-,./:-@\\[-^`{-\\x7f]{0,39})>>" +
    `|<<[/ \\t]{0,9}(?<broken>${NAMES})[ \\t]{0,9}>{1,2}` +
    `|</{0,9}(?<bare>${NAMES})(?:(?=[^A-Za-z0-9_])|$)`,
  "gu",
);

// A message cut into its phrases, each with its tag, and what is in no phrase, with null.
function cutMessage(message) {
  const pieces = [];
  let open = null;
  let start = 0;
  const cut = (tag, end) => {
    if (end > start) pieces.push({ tag, text: message.slice(start, end) });
    start = end;
  };
  for (const mark of message.matchAll(MARK)) {
    const { slashes, name } = mark.groups;
    const end = mark.index + mark[0].length;
    if (open !== null && name === open && slashes.length < 2) {
      const empty = message.slice(start, mark.index).replace(/^<<[^>]*>>/, "").trim() === "";
      cut(TAGS.includes(open) && !empty ? open : null, end);
      open = null;
    } else {
      cut(null, mark.index);
      open = slashes === "" ? name : null;
      if (open === null) cut(null, end);
    }
  }
  cut(null, message.length);
  return pieces;
}

// The phrases of a message without their marks.
function phrasesOf(message) {
  const phrases = cutMessage(message ?? "").filter(({ tag }) => tag !== null);
  return phrases.map(({ tag, text }) => {
    const inner = text.slice(`<<${tag}>>`.length).replace(/<<\/?[A-Za-z]+>>$/, "");
    return { tag, text: inner.trim() };
  });
}

// An element in the colour of a tag: the hues of the tags are equally far apart.
function makeColoured(what, tag, text) {
  const made = make(what, text);
  made.style.setProperty("--hue", (360 * (TAGS.indexOf(tag) + 0.5)) / TAGS.length);
  return made;
}

// A message with its phrases in colour; what is in no phrase is underlined.
function taggedText(message) {
  const pieces = cutMessage(message).map(({ tag, text }) => {
    if (tag !== null) return makeColoured("span.phrase", tag, text);
    return text.trim() === "" ? text : make("span.lost", text);
  });
  return make("div.text.tagged", ...pieces);
}

// Differences between the two answers

// The words of a text, each with the blanks before it.
const wordsOf = (text) => text.match(/\s*(?:[\p{L}\p{M}\p{N}_]+|\S)|\s+$/gu) ?? [];

// Every RUN words in a row, joined; the start and the end of the text count as a word each.
function runsOf(words) {
  const padded = ["", ...words.map((word) => word.trim()), ""];
  return padded.slice(RUN - 1).map((_, at) => padded.slice(at, at + RUN).join(" "));
}

// A text with an element (del or ins) around the words that are in no run of the other text.
function markDifferences(text, other, name) {
  const words = wordsOf(text);
  const known = new Set(runsOf(wordsOf(other)));
  const same = new Set();
  runsOf(words).forEach((run, first) => {
    for (let at = first - 1; known.has(run) && at < first - 1 + RUN; at++) same.add(at);
  });
  const parts = [];
  for (let at = 0, from = 0; at < words.length; from = at) {
    const unmarked = same.has(at);
    while (at < words.length && same.has(at) === unmarked) at++;
    const part = words.slice(from, at).join("");
    const blanks = part.length - part.trimStart().length;
    parts.push(...(unmarked ? [part] : [part.slice(0, blanks), make(name, part.slice(blanks))]));
  }
  return make("div.text", ...parts);
}

// One row: each function makes one part of it, or null where the row has none

// How the row ended, as a value to filter by.
const outcomeOf = (story) => story.drop_reason ?? "kept";

// Where the row comes from, and what was found in it.
const factsOf = ({ source, model, engine, flags }) => [
  chip(source),
  model === engine ? null : chip(model),
  engine === null ? null : chip(engine, engine === "simulated" ? "unsure" : ""),
  ...flags.map((flag) => chip(flag, "flag")),
];

// How the row ended, what it is, and links to it under other models, which the page's own script
// knows (othersOf).
function header(story) {
  const others = othersOf(story);
  const { drop_reason: reason, stopped_at: table } = story;
  const dropped = (why) => chip(`${inPhase("dropped", table)}: ${asWords(why)}`, "bad");
  const facts = [reason === null ? chip("kept", "good") : dropped(reason), ...factsOf(story)];
  return make(
    "header",
    make("h3", make("bdi", story.id)),
    make("p.chips", ...facts),
    others.length === 0 ? null : make("p.others", "The same row under", others.map(linkTo)),
  );
}

// A link to a row, named by its model, and how the row ended.
function linkTo({ key, story }) {
  const link = make("a", story.model);
  link.href = `#row=${encodeURIComponent(key)}`;
  const kind = story.drop_reason === null ? "good" : "bad";
  return make("span", " ", link, " ", chip(asWords(outcomeOf(story)), kind));
}

// The question, and folded above it what came before it.
function question({ original_system_message: system, history, question: text }) {
  const turns = history.map((turn) =>
    make("div.turn", make("h5", turn.role), textBox(turn.content)),
  );
  return step(
    "Question",
    system ? details("System message of the source, kept as data", textBox(system)) : null,
    turns.length === 0 ? null : details(`Earlier turns: ${turns.length}`, ...turns),
    textBox(text),
  );
}

// The message as the model wrote it, and what was left out of it.
function writtenMessage({ annotated_message: message, defects }) {
  if (message === null) return null;
  const items = defects.map(({ kind, text }) =>
    make("li", chip(asWords(kind), "bad"), " ", make("bdi", text)),
  );
  const hasMends = defects.some(({ kind }) => kind.startsWith("mended_"));
  const words = hasMends ? "Left out or mended" : "Left out";
  const title = `${inPhase(words, "filtered_system_messages")}: ${items.length}`;
  const leftOut = details(title, make("ul.defects", ...items));
  leftOut.open = true;
  return step(
    inPhase("The message as the model wrote it", "annotated_system_messages"),
    taggedText(message),
    items.length === 0 ? null : leftOut,
  );
}

// The phrases in canonical order with the verdicts on their tags; removed ones are struck through.
function judgedPhrases({ tagged_message: message, verdicts, removed }) {
  if (message === null) return null;
  const items = phrasesOf(message).map((phrase) => phraseLine(phrase, verdicts, removed));
  const title = inPhase("The phrases and their verdicts", "verified_system_messages");
  return step(title, make("ul.phrases", ...items));
}

// A phrase with its verdict, struck through where it was removed; what else is given stands last.
function phraseLine({ tag, text }, verdicts, removed, ...more) {
  const isRemoved = removed.some((phrase) => phrase.tag === tag && phrase.text === text);
  const verdict = verdicts.find((each) => each.tag === tag);
  return make(
    "li",
    makeColoured("span.tag", tag, tag),
    make(isRemoved ? "s.text" : "span.text", text),
    make("span.verdict", verdict === undefined ? null : verdictChip(verdict), ...more),
  );
}

// A verdict, and the judge's confidence where it was asked for.
function verdictChip({ verdict, confidence }) {
  const sure = confidence === null ? "" : ` ${(100 * confidence).toFixed(0)} %`;
  return chip(`${verdict}${sure}`, { Good: "good", Bad: "bad" }[verdict] ?? "unsure");
}

// The system message that the new answer was written under.
const systemMessage = ({ system_message: text }) =>
  text === null ? null : step("The system message", make("div.text.final", text));

// The answers beside each other with their differences marked; without a new one the original.
function answers({ answer, new_answer: written }) {
  if (written === null) return step("Original answer", textBox(answer));
  const [old, fresh] = [make("del", "only in the original"), make("ins", "only in the new answer")];
  return step(
    inPhase("The answers, the new one written", "aligned_responses"),
    make("p.legend", old, " ", fresh),
    make(
      "div.answers",
      make("div", make("h5", "Original answer"), markDifferences(answer, written, "del")),
      make("div", make("h5", "New answer"), markDifferences(written, answer, "ins")),
    ),
  );
}

// Whether the answer does what each phrase of its message asks, and who says so.
function obedience({ obedience: phrases }) {
  const kinds = { obeyed: "good", not_obeyed: "bad" };
  const items = phrases.map(({ tag, text, verdict, by, rule }) => {
    const who = by === null ? null : make("span.by", ` by ${by}${rule ? `: ${asWords(rule)}` : ""}`);
    const said = make("span.verdict", chip(asWords(verdict), kinds[verdict] ?? "unsure"), who);
    return make("li", makeColoured("span.tag", tag, tag), make("span.text", text), said);
  });
  const title = "Does the new answer do what the message asks?";
  return items.length === 0 ? null : step(title, make("ul.phrases", ...items));
}

// The other answers that were written under the message, and why they were not chosen.
function rejectedAnswers({ rejected_answers: all }) {
  const items = all.map(({ answer, reason }) =>
    make("li", chip(asWords(reason), "bad"), textBox(answer)),
  );
  const title = `Answers that were not chosen: ${items.length}`;
  return items.length === 0 ? null : step(title, details("Show them", make("ul", ...items)));
}

// The verdicts of judges on the answers.
function judgements({ judgements: all }) {
  const items = all.map(({ question: asked, verdict, judge, text }) => {
    const by = make("span.by", ` by ${judge ?? "an unnamed judge"}`);
    const line = make("p", make("bdi", asked), " ", chip(verdict ?? "no verdict"), by);
    return make("li", line, text ? details("What the judge wrote", textBox(text)) : null);
  });
  return items.length === 0 ? null : step("Judgements", make("ul.judgements", ...items));
}

// The row's figures.
function measures({ measures: all }) {
  const shown = Object.entries(all).filter(([, value]) => value !== null);
  const items = shown.map(([name, value]) =>
    make("div", make("dt", asWords(name)), make("dd", make("bdi", asFigure(value)))),
  );
  return items.length === 0 ? null : step("Measures", make("dl.measures", ...items));
}

// A value as text; numbers that are not whole have three decimals.
function asFigure(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value);
}

const PARTS = [
  header, question, writtenMessage, judgedPhrases, systemMessage, answers, obedience,
  rejectedAnswers, judgements, measures,
];
