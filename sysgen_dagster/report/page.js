// The browser of rows: a form of filters, the list of the rows found, and one chosen row beside it.
// Whatever a row says reaches the page as text nodes only.

const INVISIBLE = /([\0-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff])/;
const RUN = 3; // words in a row that must be in both answers for them to be left unmarked

const byId = (id) => document.getElementById(id);
const filters = byId("filters");
const list = byId("list");
// The tags in canonical order; and by table, in which phase it is made ("in Phase 1").
const { tags: TAGS, steps: STEPS } = JSON.parse(byId("stories").dataset.words);

let rows = []; // one per story; see makeRow
let chosen = null; // the row that is shown

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
    sign.textContent = `U+${part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
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

// What the row is, how it ended, what was found in it, and links to it under other models.
function header(story) {
  const others = rows.filter((row) => row.story.id === story.id && row.story !== story);
  const { engine, drop_reason: reason, stopped_at: table } = story;
  const dropped = (why) => chip(`${inPhase("dropped", table)}: ${asWords(why)}`, "bad");
  const facts = [
    chip(story.source),
    chip(story.model),
    engine === null ? null : chip(engine, engine === "simulated" ? "unsure" : ""),
    reason === null ? chip("kept", "good") : dropped(reason),
    ...story.flags.map((flag) => chip(flag, "flag")),
  ];
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
  const verdictOf = new Map(verdicts.map((verdict) => [verdict.tag, verdict]));
  const items = phrasesOf(message).map(({ tag, text }) => {
    const isRemoved = removed.some((phrase) => phrase.tag === tag && phrase.text === text);
    return make(
      "li",
      makeColoured("span.tag", tag, tag),
      make(isRemoved ? "s.text" : "span.text", text),
      verdictOf.has(tag) ? verdictChip(verdictOf.get(tag)) : null,
    );
  });
  const title = inPhase("The phrases and their verdicts", "verified_system_messages");
  return step(title, make("ul.phrases", ...items));
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
  header, question, writtenMessage, judgedPhrases, systemMessage, answers, judgements, measures,
];

// Show a row beside the list.
function show(row) {
  chosen = row;
  row.radio.checked = true;
  byId("permalink").href = `#row=${encodeURIComponent(row.key)}`;
  const parts = PARTS.map((part) => part(row.story));
  byId("story").replaceChildren(...parts.filter((part) => part !== null));
}

// The form and the list

// By name of a select of the form: the values that a row has for it.
const FILTERS = {
  source: (story) => [story.source],
  model: (story) => [story.model],
  outcome: (story) => [outcomeOf(story)],
  tag: (story) => phrasesOf(story.tagged_message).map(({ tag }) => tag),
  verdict: (story) => story.verdicts.map(({ verdict }) => verdict),
  flag: (story) => story.flags,
  language: (story) => [story.measures.question_language].filter(Boolean),
};

// A story with its key, its entry in the list, and the values and the text that it is found by.
function makeRow(story) {
  const radio = Object.assign(document.createElement("input"), { type: "radio", name: "row" });
  const { id, source, model, flags, history: turns, drop_reason: reason } = story;
  const facts = [
    `${source}, ${model}`,
    reason === null ? null : chip(asWords(reason), "bad"),
    flags.length === 0 ? null : chip(`flags: ${flags.length}`, "flag"),
  ];
  const excerpt = make("span.excerpt", story.question?.slice(0, 160) || "(no question)");
  const entry = make("label.entry", radio, excerpt, make("span.chips", ...facts));
  const texts = [
    id, story.question, story.answer, story.original_system_message, story.annotated_message,
    story.system_message, story.new_answer, ...turns.map((turn) => turn.content),
  ];
  const text = texts.join("\n").toLowerCase();
  const values = Object.entries(FILTERS).map(([name, of]) => [name, new Set(of(story))]);
  return { story, key: `${id}|${model}`, radio, entry, text, values: Object.fromEntries(values) };
}

// Give a select of the form the values that rows have, each with the number of these rows.
function fillSelect(name) {
  const select = filters.elements[name];
  const all = rows.flatMap((row) => [...row.values[name]]);
  const order = (a, b) => TAGS.indexOf(a) - TAGS.indexOf(b) || (a < b ? -1 : 1);
  for (const value of [...new Set(all)].sort(order)) {
    const count = all.filter((each) => each === value).length;
    select.append(new Option(`${asWords(value)} (${count})`, value));
  }
  select.closest("label").hidden = all.length === 0;
}

// The rows in the list.
const rowsFound = () => rows.filter(({ entry }) => !entry.hidden);

// Leave in the list the rows that fit the form, and say how many there are.
function applyFilters() {
  const asked = Object.fromEntries(new FormData(filters));
  const words = asked.q.trim().toLowerCase();
  for (const { entry, values, text } of rows) {
    const has = (name) => !asked[name] || values[name].has(asked[name]);
    entry.hidden = !(text.includes(words) && Object.keys(FILTERS).every(has));
  }
  const [found, all] = [rowsFound(), rows].map((some) => some.length.toLocaleString("en"));
  byId("found").value = found === all ? `${all} rows` : `${found} of ${all} rows`;
}

// Show a row, bring it into view in the list and on the page, and keep it in the address.
function choose(row) {
  show(row);
  const { offsetTop: top, offsetHeight: height } = row.entry;
  if (top < list.scrollTop || top + height > list.scrollTop + list.clientHeight) {
    list.scrollTop = top - list.clientHeight / 2;
  }
  const { top: start } = byId("reading").getBoundingClientRect();
  if (start < 0 || start > innerHeight / 2) byId("reading").scrollIntoView();
  writeAddress();
}

// Choose the row of the list that many places further down, if there is one.
function move(places) {
  const found = rowsFound();
  const next = found[found.indexOf(chosen) + places];
  if (next !== undefined) choose(next);
}

// The address: a link to what is shown

// Keep the chosen row and the filters in the address.
function writeAddress() {
  const asked = new URLSearchParams(chosen === null ? {} : { row: chosen.key });
  for (const [name, value] of new FormData(filters)) if (value !== "") asked.set(name, value);
  history.replaceState(null, "", `#${asked}`);
}

// Show what the address names: a row, filters, or both; a row alone leaves the filters as they are.
function readAddress() {
  if (!location.hash.includes("=")) return; // the address of a section
  const asked = new URLSearchParams(location.hash.slice(1));
  const key = asked.get("row");
  asked.delete("row");
  if (asked.size > 0) {
    for (const { name } of filters.querySelectorAll("[name]")) {
      filters.elements[name].value = asked.get(name) ?? "";
    }
    applyFilters();
  }
  const row = key === null ? rowsFound()[0] : rows.find((each) => each.key === key);
  if (row !== undefined) choose(row);
  else if (key !== null) sayMissing(key);
}

// Say that the report does not hold a row.
function sayMissing(key) {
  if (chosen !== null) chosen.radio.checked = false;
  chosen = null;
  const text = ["This report does not show the row ", make("bdi", key), "."];
  byId("story").replaceChildren(make("p.notice", ...text));
}

// The start

// The stories that the page holds, compressed.
async function unpackStories() {
  const bytes = Uint8Array.from(atob(byId("stories").textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// Follow a change of the form; where the row shown does not fit it, show the first that does.
function refilter() {
  applyFilters();
  const [first] = rowsFound();
  if (first !== undefined && (chosen === null || chosen.entry.hidden)) show(first);
  writeAddress();
}

// Fill the form and the list, and follow what the reader does with them.
function start(stories) {
  rows = stories.map(makeRow);
  list.append(...rows.map(({ entry }) => entry));
  Object.keys(FILTERS).forEach(fillSelect);
  filters.addEventListener("input", refilter);
  filters.addEventListener("reset", () => setTimeout(refilter)); // when the fields are empty
  filters.addEventListener("submit", (event) => event.preventDefault());
  const rowOf = (target) => rows.find(({ radio }) => radio === target);
  list.addEventListener("change", ({ target }) => choose(rowOf(target)));
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  addEventListener("hashchange", readAddress);
  byId("state").remove();
  byId("browser").hidden = false;
  applyFilters();
  show(rows[0]);
  readAddress();
}

// Say why there are no rows.
function explain(error) {
  const why = "The file may be cut short, or the browser older than 2024.";
  byId("state").textContent = `The rows cannot be read: ${error.message}. ${why}`;
}

unpackStories().then(start, explain);
