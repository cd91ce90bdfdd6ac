// The browser of rows. Whatever a row says reaches the page as text nodes only.
"use strict";
(() => {
  const PAGE_ROWS = 40;
  const MOST_CELLS = 6_000_000; // of the table that the differences of two answers are told from
  const LEAST_COMMON_RUN = 3; // words in a row that count as kept between two changes
  const byId = (id) => document.getElementById(id);
  // The words of the method, which the page brings with the rows: the tags in canonical order, and
  // where on its way a row stopped, by table.
  const { tags: TAGS, steps: STEPS } = JSON.parse(byId("stories")?.dataset.words ?? '{"tags":[]}');

  // Elements

  // Signs that are not seen but change how text is shown or cut, as sysgen marks of their own.
  const UNSEEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

  function element(name, options = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(options)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "class") made.className = value;
      else if (key === "text") made.append(...visible(String(value)));
      else if (key === "on") {
        for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
      } else made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  function visible(text) {
    const nodes = [];
    let start = 0;
    for (const found of text.matchAll(UNSEEN)) {
      if (found.index > start) nodes.push(document.createTextNode(text.slice(start, found.index)));
      const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
      const sign = document.createElement("span");
      sign.className = "unseen";
      sign.textContent = `U+${code}`;
      nodes.push(sign);
      start = found.index + 1;
    }
    if (start < text.length) nodes.push(document.createTextNode(text.slice(start)));
    return nodes;
  }

  const chip = (text, kind = "") => element("span", { class: `chip ${kind}`, text });
  const body = (text, kind = "") =>
    text === null || text === undefined
      ? element("p", { class: "absent", text: "not there" })
      : element("div", { class: `text ${kind}`, dir: "auto", text: text === "" ? "(empty)" : text });
  const plain = (name) => name.replaceAll("_", " ");

  // Light and dark; the choice is kept where the browser lets a file keep anything

  function readTheme() {
    try {
      return localStorage.getItem("sysgen-report-theme");
    } catch {
      return null;
    }
  }

  function keepTheme(theme) {
    try {
      localStorage.setItem("sysgen-report-theme", theme);
    } catch {
      // It lasts as long as the page is open.
    }
  }

  function startTheme() {
    const button = byId("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    let chosen = readTheme();
    const show = () => {
      if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
      const dark = chosen ? chosen === "dark" : system.matches;
      button.textContent = dark ? "Light" : "Dark";
      button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
    };
    button.addEventListener("click", () => {
      const dark = chosen ? chosen === "dark" : system.matches;
      chosen = dark ? "light" : "dark";
      keepTheme(chosen);
      show();
    });
    system.addEventListener("change", show);
    button.hidden = false;
    show();
  }

  function startContents() {
    const links = new Map(
      [...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]),
    );
    const seen = new Set();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          seen[isIntersecting ? "add" : "delete"](target.getAttribute("aria-labelledby"));
        }
        const first = [...links.keys()].find((id) => seen.has(id));
        for (const [id, link] of links) {
          if (id === first) {
            link.setAttribute("aria-current", "true");
            link.closest("ol").scrollLeft = link.offsetLeft - 40; // on a narrow screen
          } else link.removeAttribute("aria-current");
        }
      },
      { rootMargin: "-10% 0px -60% 0px" },
    );
    for (const section of document.querySelectorAll("section.part")) observer.observe(section);
  }

  // Tagged text, read as sysgen/tags.py reads it

  const NAMES = TAGS.join("|");
  const MARK = new RegExp(
    "<<(?<slashes>/{0,9})(?<name>[^\\x00-@\\[-`{-\\x7f][^\\x00-\\x1f!-,./:-@\\[-^`{-\\x7f]{0,39})>>" +
      `|<<[/ \\t]{0,9}(?<broken>${NAMES})[ \\t]{0,9}>{1,2}` +
      `|</{0,9}(?<bare>${NAMES})(?:(?=[^A-Za-z0-9_])|$)`,
    "gu",
  );

  // Stretches of a text in their order: phrases of a tag, and what belongs to none.
  function stretches(text) {
    const found = [];
    let open = null;
    let start = 0;
    const take = (tag, end) => {
      if (end > start) found.push({ tag, text: text.slice(start, end) });
      start = end;
    };
    for (const mark of text.matchAll(MARK)) {
      const { slashes, name } = mark.groups;
      const end = mark.index + mark[0].length;
      if (open !== null && name === open && (slashes ?? "").length < 2) {
        const empty = text.slice(start, mark.index).replace(/^<<[^>]*>>/, "").trim() === "";
        take(TAGS.includes(open) && !empty ? open : null, end);
        open = null;
      } else {
        take(null, mark.index);
        open = name !== undefined && slashes === "" ? name : null;
        if (open === null) take(null, end);
      }
    }
    take(null, text.length);
    return found;
  }

  const inner = (stretch) =>
    stretch.text.slice(stretch.tag.length + 4).replace(/<<\/?[A-Za-z]+>>$/, "").trim();

  function taggedText(text) {
    const whole = element("div", { class: "text tagged", dir: "auto" });
    for (const stretch of stretches(text)) {
      if (stretch.tag) {
        whole.append(
          element("span", { class: "phrase", "data-tag": stretch.tag, text: stretch.text }),
        );
      } else if (stretch.text.trim() === "") {
        whole.append(...visible(stretch.text));
      } else {
        whole.append(
          element("span", { class: "lost", title: "left out by Phase 2", text: stretch.text }),
        );
      }
    }
    return whole;
  }

  const tagsOf = (story) =>
    unique(stretches(story.tagged_message ?? "").map((stretch) => stretch.tag)).filter(Boolean);
  const unique = (values) => [...new Set(values)];

  // Differences of two answers: the longest common subsequence of their words

  const words = (text) => text.match(/\s*(?:[\p{L}\p{M}\p{N}_]+|[^\s])|\s+$/gu) ?? [];

  // [[same, new words or old], ...] for both texts; null where they are too long.
  function differences(old, fresh) {
    const [a, b] = [words(old), words(fresh)];
    const [x, y] = [a, b].map((list) => list.map((word) => word.trim()));
    let head = 0;
    while (head < x.length && head < y.length && x[head] === y[head]) head++;
    let tail = 0;
    while (tail < x.length - head && tail < y.length - head && x.at(-1 - tail) === y.at(-1 - tail)) {
      tail++;
    }
    const [n, m] = [x.length - head - tail, y.length - head - tail];
    if ((n + 1) * (m + 1) > MOST_CELLS || Math.min(n, m) > 65_000) return null;
    const numbers = new Map();
    const numbered = (list, size) =>
      Int32Array.from(list.slice(head, head + size), (word) => {
        if (!numbers.has(word)) numbers.set(word, numbers.size);
        return numbers.get(word);
      });
    const [sameOld, sameNew] = common(numbered(x, n), numbered(y, m));
    const whole = (same) => [...Array(head).fill(1), ...same, ...Array(tail).fill(1)];
    return [runs(a, whole(sameOld)), runs(b, whole(sameNew))];
  }

  function common(x, y) {
    const [n, m, wide] = [x.length, y.length, y.length + 1];
    const longest = new Uint16Array((n + 1) * wide);
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        const at = i * wide + j;
        longest[at] =
          x[i] === y[j] ? longest[at + wide + 1] + 1 : Math.max(longest[at + wide], longest[at + 1]);
      }
    }
    const [old, fresh] = [new Uint8Array(n), new Uint8Array(m)];
    const pairs = [];
    for (let i = 0, j = 0; i < n && j < m; ) {
      if (x[i] === y[j]) pairs.push([i++, j++]);
      else if (longest[(i + 1) * wide + j] >= longest[i * wide + j + 1]) i++;
      else j++;
    }
    // A word or two in common between longer changes is chance, not something kept.
    for (let from = 0; from < pairs.length; ) {
      let to = from + 1;
      while (
        to < pairs.length &&
        pairs[to][0] === pairs[to - 1][0] + 1 &&
        pairs[to][1] === pairs[to - 1][1] + 1
      ) {
        to++;
      }
      const gap = ([i, j], [k, l]) => Math.max(k - i, l - j) - 1;
      const before = gap(pairs[from - 1] ?? [-1, -1], pairs[from]);
      const after = gap(pairs[to - 1], pairs[to] ?? [n, m]);
      if (to - from >= LEAST_COMMON_RUN || Math.min(before, after) <= to - from) {
        for (const [i, j] of pairs.slice(from, to)) old[i] = fresh[j] = 1;
      }
      from = to;
    }
    return [old, fresh];
  }

  function runs(list, same) {
    const found = [];
    list.forEach((word, at) => {
      const last = found.at(-1);
      if (last && last.same === Boolean(same[at])) last.text += word;
      else found.push({ same: Boolean(same[at]), text: word });
    });
    return found;
  }

  function marked(parts, name) {
    const whole = element("div", { class: "text", dir: "auto" });
    for (const { same, text } of parts) {
      const blank = same ? text.length : text.length - text.trimStart().length;
      whole.append(...visible(text.slice(0, blank)));
      if (!same) whole.append(element(name, { text: text.slice(blank) }));
    }
    return whole;
  }

  // One row's story

  let marksShown = true;

  function answers(story) {
    const both = story.answer !== undefined && story.new_answer;
    const parts = both && marksShown ? differences(story.answer, story.new_answer) : null;
    const column = (title, text, at, name) =>
      element(
        "div",
        {},
        element("h5", { text: title }),
        parts ? marked(parts[at], name) : body(text),
      );
    const legend = !both
      ? null
      : element(
          "p",
          { class: "legend" },
          element(
            "label",
            {},
            element("input", {
              type: "checkbox",
              checked: marksShown,
              on: {
                change: (event) => {
                  marksShown = event.target.checked;
                  const fresh = answers(story);
                  holder.replaceWith(fresh);
                  fresh.querySelector("input").focus();
                },
              },
            }),
            " mark differences",
          ),
          ...(parts
            ? [" ", element("del", { text: "only in the original" }), " ",
               element("ins", { text: "only in the new answer" })]
            : marksShown
              ? [" The answers are too long to be compared word by word; nothing is marked."]
              : []),
        );
    const holder = element(
      "div",
      { class: "step" },
      element("h4", { text: "Phase 4: the answers" }),
      legend,
      element(
        "div",
        { class: "answers" },
        column("Original answer", story.answer, 0, "del"),
        column("New answer", story.new_answer, 1, "ins"),
      ),
    );
    return holder;
  }

  function step(title, ...children) {
    return element("div", { class: "step" }, element("h4", { text: title }), ...children);
  }

  function asked(story) {
    const folded = [];
    if (story.original_system_message) {
      folded.push(
        element(
          "details",
          {},
          element("summary", { text: "System message of the source, kept as data" }),
          body(story.original_system_message),
        ),
      );
    }
    if (story.history?.length) {
      folded.push(
        element(
          "details",
          {},
          element("summary", { text: `Earlier turns: ${story.history.length}` }),
          ...story.history.map((turn) =>
            element("div", { class: "turn" }, element("h5", { text: turn.role }), body(turn.content)),
          ),
        ),
      );
    }
    return step("Question", ...folded, body(story.question));
  }

  function annotation(story) {
    if (story.annotated_message === undefined || story.annotated_message === null) return null;
    const defects = story.defects ?? [];
    return step(
      "Phase 1: the message as the model wrote it",
      taggedText(story.annotated_message),
      defects.length === 0
        ? null
        : element(
            "details",
            { open: defects.length < 6 },
            element("summary", { text: `Phase 2 left out ${defects.length}` }),
            element(
              "ul",
              { class: "defects" },
              ...defects.map((defect) =>
                element(
                  "li",
                  {},
                  chip(plain(defect.kind ?? ""), "bad"),
                  " ",
                  element("bdi", { text: defect.text ?? "" }),
                ),
              ),
            ),
          ),
    );
  }

  function judgedPhrases(story) {
    if (!story.tagged_message) return null;
    const verdicts = new Map((story.verdicts ?? []).map((verdict) => [verdict.tag, verdict]));
    const removed = new Set((story.removed ?? []).map(({ tag, text }) => `${tag} ${text}`));
    const rows = stretches(story.tagged_message)
      .filter((stretch) => stretch.tag)
      .map((stretch) => {
        const text = inner(stretch);
        const verdict = verdicts.get(stretch.tag);
        const gone = removed.has(`${stretch.tag} ${text}`);
        return element(
          "li",
          {},
          element("span", { class: "tag", "data-tag": stretch.tag, text: stretch.tag }),
          element(gone ? "s" : "span", { class: "text", dir: "auto", text }),
          verdict ? verdictChip(verdict) : element("span"),
        );
      });
    return step("Phases 2 and 3: the phrases and their verdicts", element("ul", { class: "phrases" }, ...rows));
  }

  function verdictChip({ verdict, confidence }) {
    const sure = typeof confidence === "number" ? ` ${(100 * confidence).toFixed(0)} %` : "";
    const kind = { Good: "good", Bad: "bad" }[verdict] ?? "unsure";
    return chip(`${verdict}${sure}`, kind);
  }

  function measures(story) {
    const shown = Object.entries(story.measures ?? {}).filter(([, value]) => value !== null);
    if (shown.length === 0) return null;
    const figure = (value) =>
      typeof value === "boolean"
        ? value ? "yes" : "no"
        : typeof value === "number" && !Number.isInteger(value)
          ? value.toFixed(3)
          : String(value);
    return step(
      "Measures",
      element(
        "dl",
        { class: "measures" },
        ...shown.map(([name, value]) =>
          element("div", {}, element("dt", { text: plain(name) }), element("dd", {}, element("bdi", { text: figure(value) }))),
        ),
      ),
    );
  }

  function judgements(story) {
    if (!story.judgements?.length) return null;
    return step(
      "Judgements",
      element(
        "ul",
        { class: "judgements" },
        ...story.judgements.map((judged) =>
          element(
            "li",
            {},
            element("p", {}, element("span", { text: judged.question }), " ", chip(judged.verdict ?? "no verdict"), " ",
              element("span", { class: "by", text: `by ${judged.judge ?? "an unnamed judge"}` })),
            judged.text ? element("details", {}, element("summary", { text: "What the judge wrote" }), body(judged.text)) : null,
          ),
        ),
      ),
    );
  }

  const outcomeOf = (story) => story.drop_reason ?? "kept";

  function outcomeText(story) {
    if (!story.drop_reason) return "kept";
    const where = STEPS[story.stopped_at];
    return `dropped${where ? ` ${where}` : ""}: ${plain(story.drop_reason)}`;
  }

  function storyHeader(story) {
    const others = stories.filter((other) => other.id === story.id);
    const link = (other) =>
      element(
        "a",
        { href: `#row=${encodeURIComponent(keyOf(other))}`, "aria-current": other === story && "true" },
        element("span", { text: other.model }),
        " ",
        chip(outcomeOf(other) === "kept" ? "kept" : plain(outcomeOf(other)), outcomeOf(other) === "kept" ? "good" : "bad"),
      );
    const move = (text, by) => element("button", { type: "button", text, on: { click: () => moveBy(by) } });
    return element(
      "header",
      {},
      element(
        "div",
        { class: "bar" },
        element("button", { type: "button", class: "back", text: "Back to the list", on: { click: backToList } }),
        move("Previous", -1),
        move("Next", 1),
        element("a", { class: "permalink", href: `#row=${encodeURIComponent(keyOf(story))}`, text: "Link to this row" }),
      ),
      element("h3", {}, element("bdi", { text: story.id })),
      element(
        "p",
        { class: "chips" },
        chip(story.source),
        chip(story.model),
        story.engine ? chip(story.engine, story.engine === "simulated" ? "unsure" : "") : null,
        chip(outcomeText(story), story.drop_reason ? "bad" : "good"),
        ...(story.flags ?? []).map((flag) => chip(flag, "flag")),
      ),
      others.length > 1
        ? element("p", { class: "models" }, element("span", { text: "The same row under " }), ...others.map(link))
        : null,
    );
  }

  function ending(story) {
    if (!story.drop_reason) return null;
    return element("p", { class: "notice stopped", text: `The row stopped here, ${outcomeText(story)}.` });
  }

  function showStory(story) {
    const article = byId("story");
    const reached = story.new_answer !== undefined && story.new_answer !== null;
    article.replaceChildren(
      storyHeader(story),
      ...[
        asked(story),
        annotation(story),
        judgedPhrases(story),
        story.system_message ? step("The system message", body(story.system_message, "final")) : null,
        reached ? answers(story) : step("Original answer", body(story.answer)),
        ending(story),
        judgements(story),
        measures(story),
      ].filter(Boolean),
    );
    highlight(article);
  }

  // Where the words searched for stand in the story; browsers without highlights show none.
  function highlight(article) {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("found");
    const query = state.q.trim().toLowerCase();
    if (query === "") return;
    const ranges = [];
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < 500) {
      const text = walker.currentNode.data.toLowerCase();
      if (text.length !== walker.currentNode.data.length) continue;
      for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + query.length);
        ranges.push(range);
      }
    }
    if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
  }

  // Filters, the list, and the part of the address that keeps both

  const FILTERS = [
    ["source", "Source", (story) => [story.source]],
    ["model", "Model", (story) => [story.model]],
    ["outcome", "Outcome", (story) => [outcomeOf(story)]],
    ["tag", "Holds tag", tagsOf],
    ["verdict", "Has verdict", (story) => unique((story.verdicts ?? []).map((each) => each.verdict))],
    ["flag", "Flag", (story) => story.flags ?? []],
    ["language", "Language", (story) => [story.measures?.question_language].filter(Boolean)],
  ];
  const keyOf = (story) => `${story.id}|${story.model}`;
  const state = { q: "", row: null, page: 0 };
  let stories = [];
  let found = [];
  let values = []; // of each story and filter
  let texts = []; // of each story, in lower case

  const searched = (story) =>
    [
      story.id, story.question, story.answer, story.original_system_message,
      story.annotated_message, story.system_message, story.new_answer,
      ...(story.history ?? []).map((turn) => turn.content),
    ]
      .filter((text) => typeof text === "string")
      .join("\n")
      .toLowerCase();

  function startFilters() {
    const form = byId("filters");
    const search = element("input", {
      type: "search", id: "search", name: "q", autocomplete: "off", spellcheck: "false",
      placeholder: "Words in questions, messages, answers",
    });
    form.append(element("label", { class: "search" }, element("span", { text: "Search" }), search));
    FILTERS.forEach(([name, label], at) => {
      const counts = new Map();
      for (const each of values) for (const value of each[at]) counts.set(value, (counts.get(value) ?? 0) + 1);
      if (counts.size === 0) return;
      const known = name === "tag" ? TAGS.filter((tag) => counts.has(tag)) : [...counts.keys()].sort();
      const select = element(
        "select",
        { name },
        element("option", { value: "", text: "any" }),
        ...known.map((value) => element("option", { value, text: `${plain(value)} (${counts.get(value)})` })),
      );
      form.append(element("label", {}, element("span", { text: label }), select));
    });
    let waiting = 0;
    form.addEventListener("input", (event) => {
      clearTimeout(waiting);
      const read = () => {
        for (const field of form.elements) if (field.name) state[field.name] = field.value;
        state.page = 0;
        refresh();
        keepAddress();
      };
      waiting = event.target === search ? setTimeout(read, 150) : read();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => {
      for (const field of form.elements) if (field.name) state[field.name] = "";
      fillForm();
      state.page = 0;
      refresh();
      keepAddress();
      search.focus();
    });
  }

  function fillForm() {
    for (const field of byId("filters").elements) if (field.name) field.value = state[field.name] ?? "";
  }

  function refresh() {
    const query = state.q.trim().toLowerCase();
    found = stories.filter(
      (story, at) =>
        FILTERS.every(([name], which) => !state[name] || values[at][which].includes(state[name])) &&
        (query === "" || texts[at].includes(query)),
    );
    const all = stories.length.toLocaleString("en");
    byId("found").textContent =
      found.length === stories.length ? `${all} rows` : `${found.length.toLocaleString("en")} of ${all} rows`;
    byId("clear").hidden = !(query || FILTERS.some(([name]) => state[name]));
    showList();
    const chosen = stories.find((story) => keyOf(story) === state.row);
    if (chosen) highlight(byId("story"));
  }

  function showList() {
    const list = byId("list");
    const last = Math.max(0, Math.ceil(found.length / PAGE_ROWS) - 1);
    state.page = Math.min(state.page, last);
    const shown = found.slice(state.page * PAGE_ROWS, (state.page + 1) * PAGE_ROWS);
    list.replaceChildren(
      ...shown.map((story) => option(story)),
      ...(shown.length ? [] : [element("p", { class: "absent", text: "No row is so." })]),
    );
    pointAt();
    const turn = (text, by, possible) =>
      element("button", {
        type: "button", text, disabled: !possible,
        on: { click: () => { state.page += by; showList(); list.scrollTop = 0; list.focus(); } },
      });
    byId("pages").replaceChildren(
      ...(last === 0
        ? []
        : [turn("Earlier", -1, state.page > 0),
           element("span", { text: `${state.page + 1} of ${last + 1}` }),
           turn("Later", 1, state.page < last)]),
    );
  }

  function option(story) {
    const key = keyOf(story);
    return element(
      "div",
      {
        role: "option", class: "option", id: `option-${found.indexOf(story)}`, "data-key": key,
        on: { click: () => { choose(story); readStory(); } },
      },
      element("p", { class: "excerpt", dir: "auto", text: (story.question ?? "").slice(0, 160) || "(no question)" }),
      element(
        "p",
        { class: "chips" },
        element("span", { text: `${story.source}, ${story.model}` }),
        story.drop_reason ? chip(plain(story.drop_reason), "bad") : null,
        ...(story.flags?.length ? [chip(story.flags.length === 1 ? "1 flag" : `${story.flags.length} flags`, "flag")] : []),
      ),
    );
  }

  function pointAt() {
    const list = byId("list");
    list.removeAttribute("aria-activedescendant");
    for (const each of list.querySelectorAll("[role=option]")) {
      const chosen = each.dataset.key === state.row;
      each.setAttribute("aria-selected", chosen);
      if (chosen) {
        list.setAttribute("aria-activedescendant", each.id);
        const [top, bottom] = [each.offsetTop, each.offsetTop + each.offsetHeight];
        if (top < list.scrollTop) list.scrollTop = top;
        else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
      }
    }
  }

  function choose(story) {
    state.row = keyOf(story);
    turnTo(story);
    showStory(story);
    keepAddress();
  }

  // The page of the list that holds a row, which the list then points at.
  function turnTo(story) {
    const page = Math.floor(found.indexOf(story) / PAGE_ROWS);
    if (page >= 0 && page !== state.page) {
      state.page = page;
      showList();
    } else pointAt();
  }

  function moveBy(by) {
    const at = found.findIndex((story) => keyOf(story) === state.row);
    const next = at < 0 ? 0 : Math.max(0, Math.min(found.length - 1, at + by));
    if (found[next]) {
      choose(found[next]);
      readStory(false);
    }
  }

  // On a narrow screen the story stands below the list, on a wide one beside it.
  function readStory(follow = true) {
    const article = byId("story");
    const narrow = matchMedia("(max-width: 62rem)").matches;
    const above = article.getBoundingClientRect().top < 0;
    if (above || (narrow && follow)) article.scrollIntoView({ block: "start" });
    if (narrow && follow) article.focus({ preventScroll: true });
  }

  function backToList() {
    byId("browser").scrollIntoView({ block: "start" });
    byId("list").focus({ preventScroll: true });
  }

  function startKeys() {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    byId("list").addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        byId("story").focus();
      } else if (event.key in moves && !event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        moveBy(moves[event.key]);
      }
    });
  }

  const kept = () => ["row", "q", ...FILTERS.map(([name]) => name)];

  function keepAddress() {
    const pairs = kept().filter((name) => state[name]).map((name) => [name, state[name]]);
    const address = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    try {
      history.replaceState(null, "", `#${address || "rows"}`);
    } catch {
      // A page shown inside another may not change its address.
    }
  }

  // True when the address names a row or a filter; `#some-section` does not.
  function readAddress() {
    const address = location.hash.slice(1);
    if (!address.includes("=")) return false;
    const pairs = new URLSearchParams(address.replaceAll("+", "%2B"));
    for (const name of kept()) {
      if (name !== "row") state[name] = pairs.get(name) ?? "";
    }
    state.row = pairs.get("row");
    return true;
  }

  function followAddress() {
    if (!readAddress()) return false;
    fillForm();
    refresh();
    showRow();
    return true;
  }

  // The row of the address, or the first of the list where it names none.
  function showRow() {
    const chosen = state.row
      ? stories.find((story) => keyOf(story) === state.row)
      : found[0];
    if (chosen) {
      state.row = keyOf(chosen);
      turnTo(chosen);
      showStory(chosen);
    } else {
      byId("story").replaceChildren(
        ...(state.row
          ? [element("p", { class: "notice" }, "This report does not show the row ", element("bdi", { text: state.row }), ".")]
          : []),
      );
    }
  }

  // A link of the page names a row only: the filters stay.
  function followLink() {
    const filters = { ...state };
    if (!/^#row=[^&]*$/.test(location.hash)) followAddress();
    else if (readAddress()) {
      Object.assign(state, filters, { row: state.row });
      showRow();
      keepAddress();
    }
  }

  async function unpack(letters) {
    const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  async function startBrowser() {
    const packed = byId("stories");
    if (packed === null) return;
    const says = byId("state");
    if (!("DecompressionStream" in globalThis)) {
      says.textContent =
        "This browser cannot unpack the rows (it has no DecompressionStream); any of 2023 or later can.";
      return;
    }
    try {
      stories = await unpack(packed.textContent);
    } catch (error) {
      says.textContent = `The rows cannot be read: ${error.message}. The file may be cut short.`;
      return;
    }
    values = stories.map((story) => FILTERS.map(([, , of]) => of(story)));
    texts = stories.map(searched);
    says.remove();
    byId("browser").hidden = false;
    startFilters();
    startKeys();
    addEventListener("hashchange", followLink);
    if (followAddress()) {
      byId("rows").scrollIntoView();
      return;
    }
    refresh();
    showRow();
  }

  startTheme();
  startContents();
  startBrowser();
})();
