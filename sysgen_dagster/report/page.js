// The browser of rows: a form of filters, the list of the rows found, and one chosen row beside it;
// and the few kept rows at the top of the page. One row is shown by story.js.

const filters = byId("filters");
const list = byId("list");

let rows = []; // one per story; see makeRow
let chosen = null; // the row that is shown

// The same conversation under other models.
const othersOf = (story) =>
  rows.filter((row) => row.story.id === story.id && row.story !== story);

// A kept row at the top of the page: what matters of it, and a link to the whole of it.
function keptRow({ key, story }) {
  const whole = make("a", "The whole row, with its phrases and verdicts");
  whole.href = `#row=${encodeURIComponent(key)}`;
  const parts = [question, systemMessage, answers].map((part) => part(story));
  const facts = make("p.chips", chip(story.source), chip(story.model), chip("kept", "good"));
  return make("article.kept", facts, ...parts, make("p", whole));
}

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
  breaks: ({ obedience: all }) =>
    all.filter(({ verdict }) => verdict === "not_obeyed").map(({ tag }) => tag),
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
  const shownFirst = byId("kept-rows");
  shownFirst?.replaceChildren(...rows.slice(0, shownFirst.dataset.rows).map(keptRow));
  applyFilters();
  show(rows[0]);
  readAddress();
}

// Say why there are no rows.
function explain(error) {
  const why = "The file may be cut short, or the browser older than 2024.";
  byId("state").textContent = `The rows cannot be read: ${error.message}. ${why}`;
}

if (byId("stories") !== null) unpack(byId("stories")).then(start, explain);
