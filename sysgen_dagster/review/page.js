// One row at a time, decided by keys. What a row says reaches the page as text nodes only.
// A decision counts when the server has answered; until then no key decides anything else.

const INVISIBLE = /([\0-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff])/;
const AHEAD = 3; // rows that are fetched before they are shown
const WORDS = { g: "Good", b: "Bad", n: "None" };

const byId = (id) => document.getElementById(id);
const [main, said, filters] = [byId("row"), byId("said"), byId("filters")];

const settings = JSON.parse(main.dataset.settings);

let keys = []; // [model, conversation, order] of the rows in their order
let at = 0; // which of them is shown
let row = null; // as the server showed it last
let phrase = 0; // which phrase the label keys are about
let busy = false; // a decision is on its way
let total = 0; // rows that the filters want
const fetched = new Map(); // by key, the promise of a row
const done = []; // what undo goes back to: { key, before }
const times = []; // when this session decided

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
  return child.split(INVISIBLE).map((part, index) => {
    if (index % 2 === 0) return part;
    const sign = document.createElement("span");
    sign.className = "invisible";
    sign.textContent = `U+${part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    return sign;
  });
}

const chip = (text, kind = "") => make(kind ? `span.chip.${kind}` : "span.chip", text);
const box = (text) => make("div.text", text === "" ? "(empty)" : text);
const part = (title, ...content) => make("section", make("h3", title), ...content);
const folded = (title, ...content) => make("details", make("summary", title), ...content);
const asWords = (name) => name.replaceAll("_", " ");

function button(text, act) {
  const made = make("button", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// A text with an element around what only it says.
const marked = (pieces, name) =>
  make("div.text", ...pieces.map(([text, same]) => (same ? text : make(name, text))));

function tell(text, isBad = false) {
  said.textContent = text;
  said.className = isBad ? "bad" : "";
}

// The server

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const found = await answer.json().catch(() => ({ error: `the server said ${answer.status}` }));
  if (!answer.ok) throw new Error(found.error ?? `the server said ${answer.status}`);
  return found;
}

const nameOf = ([model, id]) => `${model}/${id}`;

function fetchRow(key) {
  const name = nameOf(key);
  if (!fetched.has(name)) {
    const query = new URLSearchParams({ model: key[0], id: key[1] });
    const promise = ask(`/row?${query}`);
    promise.catch(() => fetched.delete(name));
    fetched.set(name, promise);
    if (fetched.size > 100) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(name);
}

function queueOf(after) {
  const query = new URLSearchParams(new FormData(filters));
  query.set("after", after);
  return ask(`/queue?${query}`);
}

// Which rows

async function loadQueue() {
  const found = await queueOf("");
  [keys, at, total] = [found.keys, 0, found.rows];
  showProgress(found);
  await showRow();
}

async function loadMore() {
  const found = await queueOf(keys.length > 0 ? keys.at(-1)[2] : "");
  const known = new Set(keys.map(nameOf));
  keys.push(...found.keys.filter((key) => !known.has(nameOf(key))));
}

async function go(to) {
  if (to >= keys.length) await loadMore();
  if (to < 0) return tell("This is the first row.");
  at = Math.min(to, keys.length);
  await showRow();
}

// One row

async function showRow() {
  if (at >= keys.length) {
    row = null;
    const none = total === 0 ? "No row is like that." : "That was the last row.";
    main.replaceChildren(make("p", `${none} `, button("From the start", () => run(loadQueue))));
    return;
  }
  const shown = await fetchRow(keys[at]);
  if (at < keys.length) draw(shown);
  for (const key of keys.slice(at + 1, at + 1 + AHEAD)) fetchRow(key).catch(() => {});
}

function draw(shown, isNew = true) {
  row = shown;
  main.replaceChildren(heading(), question(), message(), answers(), ...judgements());
  choosePhrase(isNew ? 0 : phrase, false);
  if (isNew) window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

function heading() {
  const { decided, outdated } = row;
  const kind = { accepted: "good", edited: "good", rejected: "bad" };
  const about = (it) => `${it.choice} by ${it.reviewer}, ${it.at.slice(0, 16).replace("T", " ")}`;
  const title = make("h2", make("bdi", row.id));
  title.id = "title";
  return make(
    "header",
    title,
    make(
      "p.chips",
      decided && row.choice !== "open" ? chip(about(decided), kind[decided.choice]) : null,
      outdated ? chip(`other texts were ${about(outdated)}`, "unsure") : null,
      chip(row.source),
      chip(row.model),
      row.engine === "simulated" ? chip("simulated", "unsure") : null,
      ...row.flags.map((flag) => chip(flag, "unsure")),
    ),
  );
}

function question() {
  const turns = row.history.map((turn) => make("div.turn", make("h4", turn.role), box(turn.content)));
  return part(
    "Question",
    row.source_message ? folded("System message of the source", box(row.source_message)) : null,
    turns.length > 0 ? folded(`Earlier turns: ${turns.length}`, ...turns) : null,
    box(row.question),
  );
}

function message() {
  const items = row.phrases.map((each, index) => {
    const item = make("li", tagOf(each.tag), saidIn(each), verdictOf(each, index));
    item.addEventListener("click", () => choosePhrase(index, false));
    return item;
  });
  const edited = row.written_message !== null;
  const made = part(
    edited ? "System message, edited" : "System message",
    edited ? box(row.written_message) : null,
    make("ul.phrases", ...items),
    folded(edited ? "As the model wrote it" : "In one piece, as it is trained on", box(row.message)),
  );
  made.id = "message";
  return made;
}

function tagOf(tag) {
  const made = make("span.tag", tag);
  made.style.setProperty("--hue", (360 * (settings.tags.indexOf(tag) + 0.5)) / settings.tags.length);
  return made;
}

const saidIn = (each) => make(each.removed ? "span.said.removed" : "span.said", each.text);

// What the judge said, and beside it the labels to choose from.
function verdictOf({ tag, verdict, confidence }, index) {
  const kind = { Good: "good", Bad: "bad" }[verdict] ?? "unsure";
  const sure = typeof confidence === "number" ? ` ${(100 * confidence).toFixed(0)} %` : "";
  const labels = Object.values(WORDS).map((word) => {
    const made = button(word, () => run(() => label(index, word)));
    made.setAttribute("aria-pressed", String(row.labels[tag] === word));
    made.setAttribute("aria-label", `${tag}: label ${word}`);
    return made;
  });
  const judged = verdict ? chip(`judge: ${verdict}${sure}`, kind) : null;
  return make("span.verdict", judged, ...labels);
}

function answers() {
  const edited = row.written_answer !== null;
  const made = make(
    "div.two",
    part("Original answer", marked(row.original, "del")),
    part(
      edited ? "New answer, edited" : "New answer",
      marked(row.new, "ins"),
      edited ? folded("As the model wrote it", box(row.answer)) : null,
    ),
  );
  made.lastChild.id = "answer";
  return made;
}

const judgements = () =>
  row.judgements.map((each) =>
    part(each.question, chip(`${each.verdict ?? "no verdict"} (${each.judge})`)),
  );

function choosePhrase(index, scrolls = true) {
  const items = [...main.querySelectorAll(".phrases li")];
  if (items.length === 0) return;
  phrase = Math.max(0, Math.min(index, items.length - 1));
  items.forEach((item, number) => {
    if (number === phrase) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  });
  if (scrolls) items[phrase].scrollIntoView({ block: "nearest" });
}

// Decisions

// The state of a row as it is sent; what is not named stays as it is.
const stateOf = (changes = {}) => ({
  model: row.model,
  conversation_id: row.id,
  texts: row.texts,
  choice: row.choice,
  system_message: row.written_message,
  new_answer: row.written_answer,
  labels: row.labels,
  ...changes,
});

async function send(state) {
  const found = await ask("/decide", state);
  fetched.set(`${found.row.model}/${found.row.id}`, Promise.resolve(found.row));
  showProgress(found);
  return found;
}

async function decide(changes, words) {
  const [key, before] = [keys[at], stateOf()];
  const found = await send(stateOf(changes));
  done.push({ key, before });
  if (changes.choice) times.push(Date.now());
  tell(found.replaced ? `${words} It replaces what ${found.replaced} decided.` : words);
  return found.row;
}

async function decideAndGo(choice, words) {
  if (row === null) return;
  await decide({ choice }, words);
  await go(at + 1);
}

async function label(index, word) {
  const { tag } = row.phrases[index];
  const labels = { ...row.labels, [tag]: word };
  if (row.labels[tag] === word) delete labels[tag];
  const shown = await decide({ labels }, `${tag}: ${labels[tag] ?? "no label"}.`);
  draw(shown, false);
  choosePhrase(index + 1);
}

async function undo() {
  const last = done.at(-1);
  if (last === undefined) return tell("There is nothing to undo.");
  await send(last.before);
  done.pop();
  if (times.length > 0) times.pop();
  const where = keys.findIndex((key) => nameOf(key) === nameOf(last.key));
  if (where >= 0) at = where;
  else keys.splice(at, 0, last.key);
  tell("Undone.");
  await showRow();
}

// Edits a text in its place; resolves when it is saved or cancelled.
function edit(field) {
  if (row === null) return;
  if (!row.may_edit) return tell("The texts of this row are too long to be edited here.", true);
  const isMessage = field === "message";
  const place = byId(field);
  const area = make("textarea");
  area.value = (isMessage ? row.written_message : row.written_answer) ?? row[field];
  area.maxLength = settings.longest;
  area.setAttribute("aria-label", isMessage ? "System message" : "New answer");
  const cancel = () => draw(row, false);
  const store = async () => {
    const change = isMessage ? { system_message: area.value } : { new_answer: area.value };
    draw(await decide({ ...change, choice: "accepted" }, "Saved, and accepted."), false);
  };
  const save = () => run(store, true);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const buttons = make("p.buttons", button("Save", save), button("Cancel", cancel));
  place.replaceChildren(place.firstChild, area, buttons);
  area.focus();
  area.setSelectionRange(0, 0);
  area.scrollTop = 0;
}

// Progress

function showProgress({ progress, agreement }) {
  const decided = progress.accepted + progress.rejected;
  const words = [`${decided.toLocaleString()} of ${progress.rows.toLocaleString()} decided`];
  words.push(`${progress.accepted} accepted (${progress.edited} edited), ${progress.rejected} rejected`);
  if (times.length > 1) {
    const pace = (60000 * (times.length - 1)) / Math.max(1, times.at(-1) - times[0]);
    words.push(`${pace.toFixed(1)} a minute`);
  }
  if (progress.unreadable > 0) words.push(`${progress.unreadable} decisions cannot be read`);
  byId("progress").textContent = words.join(" · ");
  byId("bar").max = Math.max(1, progress.rows);
  byId("bar").value = decided;
  byId("agreed").lastElementChild.replaceChildren(...agreementOf(agreement));
}

const share = (value) => (value === null ? "–" : value.toFixed(2));
const between = (low, high) => (low === null ? "" : ` (${low.toFixed(2)} to ${high.toFixed(2)})`);

function agreementOf(rows) {
  if (rows.length === 0) return [make("p", "No phrase is labelled yet.")];
  const names = ["model", "tag", "labels", "agreement", "kappa", "enough labels"];
  const lines = rows.map((each) =>
    make(
      "tr",
      make("td", each.model),
      make("td", each.tag),
      make("td", String(each.labels)),
      make("td", share(each.agreement) + between(each.agreement_low, each.agreement_high)),
      make("td", share(each.kappa) + between(each.kappa_low, each.kappa_high)),
      make("td", each.enough),
    ),
  );
  const table = make(
    "table",
    make("caption", "How far the judge of Phase 3 agrees with the labels; 95 % intervals"),
    make("thead", make("tr", ...names.map((name) => make("th", name)))),
    make("tbody", ...lines),
  );
  return [make("div.scroll", table)];
}

// Keys and buttons

const ACTIONS = {
  accept: () => decideAndGo("accepted", "Accepted."),
  reject: () => decideAndGo("rejected", "Rejected."),
  message: () => edit("message"),
  answer: () => edit("answer"),
  back: () => go(at - 1),
  next: () => go(at + 1),
  undo,
};
const KEYS = { a: "accept", r: "reject", m: "message", e: "answer", ArrowLeft: "back", ArrowRight: "next", u: "undo" };

// Does one thing at a time; what goes wrong is said, and nothing has changed then.
async function run(act, isSaving = false) {
  if (busy) return;
  if (main.querySelector("textarea") !== null && !isSaving) return tell("Save or cancel first.", true);
  busy = true;
  main.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    tell(`Not stored or not shown: ${error.message}. Try again.`, true);
  } finally {
    busy = false;
    main.removeAttribute("aria-busy");
  }
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("textarea, select, input") !== null;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (!byId("keys").checked || main.querySelector("textarea") !== null) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in KEYS) run(ACTIONS[KEYS[key]]);
  else if (key === "ArrowDown" || key === "ArrowUp") choosePhrase(phrase + (key === "ArrowDown" ? 1 : -1));
  else if (key in WORDS && row !== null && row.phrases.length > 0) run(() => label(phrase, WORDS[key]));
  else return;
  event.preventDefault();
});

for (const made of document.querySelectorAll("#actions button")) {
  made.addEventListener("click", () => run(ACTIONS[made.dataset.do]));
}

for (const name of ["source", "model", "flag"]) {
  const options = ["", ...settings[`${name}s`]].map((value) => {
    const option = make("option", value === "" ? "all" : asWords(value));
    option.value = value;
    return option;
  });
  filters.elements[name].append(...options);
}
filters.addEventListener("change", () => run(loadQueue));
filters.addEventListener("submit", (event) => event.preventDefault());
run(loadQueue);
