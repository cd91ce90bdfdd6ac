// The page that follows a run: it asks for what is new and shows it. One row is shown by story.js.

const EVERY_MS = 700;
const AGAIN_MS = 3000; // after an answer that did not come
const MOST_ROWS = 40;
const NEWS = document.querySelector("[data-news]").dataset.news;

const shown = new Map(); // by row, its article; the newest is the last

const othersOf = () => [];

// A number with separators; nothing for none.
const count = (number) => (number ? number.toLocaleString("en") : "");
const cell = (text, kind = "td.number") => make(kind, text);

// One line of the table: a phase of a model, or a step of the second lane.
function progressOf(phase) {
  const reasons = phase.dropped.map(([reason, rows]) => `${asWords(reason)} ${count(rows)}`);
  return make(
    "tr",
    cell(phase.phase, "td"),
    cell(phase.kept.toLocaleString("en")),
    cell(phase.rows.toLocaleString("en")),
    cell(reasons.join(", "), "td"),
    cell(phase.model, "td"),
    cell(`${phase.shards} of ${phase.of_shards}`),
    cell(count(phase.answered)),
    cell(count(phase.prompt_tokens)),
    cell(count(phase.completion_tokens)),
  );
}

// A row with what it has so far; one that was dropped says so before its texts.
function rowOf(story) {
  if ("sets" in story) return instructionRow(story);
  const parts =
    story.system_message === null
      ? [question, writtenMessage, judgedPhrases]
      : [question, systemMessage];
  const last = story.new_answer === null ? [] : [answers, obedience, rejectedAnswers];
  const shownParts = [header, ...parts, ...last].map((part) => part(story));
  return make("article.kept", ...shownParts.filter((part) => part !== null));
}

// Whether one row is an older state of another: the same one, or a single set of its instruction.
const isOlder = (old, story) =>
  old.model === story.model &&
  ("sets" in old) === ("sets" in story) &&
  (old.id === story.id || ("sets" in story && old.id.startsWith(`${story.id}#`)));

// Put a row at the top; its older states go.
function add(story) {
  const article = rowOf(story);
  for (const [row, old] of shown) {
    if (!isOlder(row, story) && shown.size < MOST_ROWS) continue;
    old.remove();
    shown.delete(row);
  }
  shown.set(story, article);
  byId("rows").prepend(article);
}

function say(text) {
  byId("state").hidden = text === "";
  if (byId("state").textContent !== text) byId("state").textContent = text;
}

// What is new since the news of that number; the number of the newest.
async function ask(after) {
  const answer = await fetch(`${NEWS}?after=${after}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(await answer.text());
  const { last, phases, rows, problems } = await answer.json();
  byId("progress").replaceChildren(...phases.map(progressOf));
  rows.reverse().forEach(add);
  say(problems.join(" ") || (phases.length === 0 ? "No row is stored yet." : ""));
  return last;
}

for (let after = 0; ; ) {
  let pause = EVERY_MS;
  try {
    after = await ask(after);
  } catch (error) {
    pause = AGAIN_MS;
    say(`Nothing new can be read: the command that serves this page has ended, or ${error.message}`);
  }
  await new Promise((resolve) => setTimeout(resolve, pause));
}
