// One instruction of the second lane with its preference sets, messages and answers; and what
// unpacks the rows that a page holds. Whatever a row says reaches the page as text nodes only.

// The rows that an element holds, compressed.
async function unpack(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// One preference: what it is about, itself in a few words, and its description.
function preferenceLine({ dimension, subdimension, preference, description }) {
  const about = [dimension, subdimension].map((name) => asWords(name ?? "not there")).join(": ");
  return make(
    "li",
    make("span.by", about),
    make("b", make("bdi", preference ?? "not there")),
    make("p.by", make("bdi", description ?? "not there")),
  );
}

// A preference set: its preferences, the message made of them, and the answer under it.
function setColumn({ preferences, system_message: message, answer, stopped_at: step, ...rest }) {
  const reason = rest.drop_reason;
  const why = reason === null ? null : chip(`dropped, ${step}: ${asWords(reason)}`, "bad");
  return make(
    "div",
    why === null ? null : make("p.chips", why),
    make("ul.preferences", preferences.map(preferenceLine)),
    message === null ? null : make("div.text.final", message),
    answer === null ? null : make("h5", "Answer"),
    answer === null ? null : textBox(answer),
  );
}

// An instruction with its sets beside each other.
function instructionRow({ id, source, model, engine, question: text, sets, flags = [] }) {
  const made = engine === "simulated" ? chip(engine, "unsure") : null;
  const found = flags.map((flag) => chip(flag, "flag"));
  const facts = make("p.chips", make("bdi", id), chip(source), chip(model), made, ...found);
  const columns = make("div.sets", ...sets.map(setColumn));
  return make("article.kept", facts, step("Instruction", textBox(text)), columns);
}

// Rows below each other; all but the first are folded.
function foldedRows(rows) {
  const [first, ...others] = rows.map(instructionRow);
  const beginning = ({ question: text, model }) => `${model}: ${(text ?? "").slice(0, 90)}`;
  return [first, ...others.map((row, at) => details(beginning(rows[at + 1]), row))];
}

for (const place of document.querySelectorAll(".instructions")) {
  const show = (rows) => place.replaceChildren(...foldedRows(rows));
  unpack(place.querySelector("script")).then(show, (error) => {
    place.textContent = `The rows cannot be read: ${error.message}.`;
  });
}
