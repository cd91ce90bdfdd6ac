// One row at a time, decided by keys; story.js draws its parts.
// A decision counts when the server has answered; until then no key decides anything else.

const AHEAD = 3; // rows that are fetched before they are shown
const WORDS = { g: "Good", b: "Bad", n: "None" };

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

function button(text, act) {
  const made = make("button", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

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
  const answer = await fetch(path, options).catch(() => {
    throw new Error("the command that serves this page has ended");
  });
  if (answer.status === 403) throw new Error("the command was started anew: open what it printed");
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
  const { system_message: editedMessage, new_answer: editedAnswer } = row.written;
  // Nobody has looked whether what a reviewer wrote obeys.
  const isAsWritten = editedMessage === null && editedAnswer === null;
  const parts = [
    heading(), question(row), message(), bothAnswers(), isAsWritten ? obedience(row) : null,
    rejectedAnswers(row), judgements(row), measures(row),
  ];
  main.replaceChildren(...parts.filter((part) => part !== null));
  choosePhrase(isNew ? 0 : phrase, false);
  if (isNew) window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

// Which row it is, and what was decided about it.
function heading() {
  const { decided, outdated, choice } = row;
  const kind = { accepted: "good", edited: "good", rejected: "bad" };
  const about = (it) => `${it.choice} by ${it.reviewer}, ${it.at.slice(0, 16).replace("T", " ")} UTC`;
  const title = make("h2", make("bdi", row.id));
  title.id = "title";
  const facts = [
    decided && choice !== "open" ? chip(about(decided), kind[decided.choice]) : null,
    outdated ? chip(`other texts were ${about(outdated)}`, "unsure") : null,
    ...factsOf(row),
  ];
  return make("header", title, make("p.chips", facts));
}

// The text of a field as it is taken: the reviewer's where one is written, else the model's.
const takenText = (field) => row.written[field] ?? row[field];
const asModelWrote = (field) => details("As the model wrote it", textBox(row[field]));

function message() {
  const lines = phrasesOf(row.tagged_message).map((each, index) => {
    const line = phraseLine(each, row.verdicts, row.removed, ...labelsOf(each.tag, index));
    line.addEventListener("click", () => choosePhrase(index, false));
    return line;
  });
  const isEdited = row.written.system_message !== null;
  const made = step(
    isEdited ? "The system message, edited" : "The system message",
    make("div.text.final", takenText("system_message")),
    make("ul.phrases", ...lines),
    isEdited ? asModelWrote("system_message") : null,
  );
  made.id = "system_message";
  return made;
}

// The words to choose from, as buttons.
const labelsOf = (tag, index) =>
  Object.values(WORDS).map((word) => {
    const made = button(word, () => run(() => label(index, word)));
    made.setAttribute("aria-pressed", String(row.labels[tag] === word));
    made.setAttribute("aria-label", `${tag}: label ${word}`);
    return made;
  });

function bothAnswers() {
  const made = answers({ ...row, new_answer: takenText("new_answer") });
  const fresh = made.querySelector(".answers").lastChild;
  fresh.id = "new_answer";
  if (row.written.new_answer !== null) {
    fresh.firstChild.textContent = "New answer, edited";
    fresh.append(asModelWrote("new_answer"));
  }
  return made;
}

function choosePhrase(index, scrolls = true) {
  const items = [...main.querySelectorAll("#system_message .phrases li")];
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
  ...row.written,
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
  const found = await send(stateOf(changes));
  done.push({ key: keys[at], before: stateOf(found.before) });
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
  const { tag } = phrasesOf(row.tagged_message)[index];
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
  const place = byId(field);
  const area = make("textarea");
  area.value = takenText(field);
  area.maxLength = settings.longest;
  area.setAttribute("aria-label", field === "new_answer" ? "New answer" : "System message");
  const cancel = () => draw(row, false);
  const store = async () => {
    const change = { [field]: area.value, choice: "accepted" };
    draw(await decide(change, "Saved, and accepted."), false);
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
  message: () => edit("system_message"),
  answer: () => edit("new_answer"),
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
  else if (key in WORDS && main.querySelector("#system_message .phrases li") !== null) run(() => label(phrase, WORDS[key]));
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
