// What the console gains from a script. All of it works without one.
const find = document.querySelector("[data-find]");
const keys = document.querySelector("[data-keys]");
const hint = document.querySelector("[data-keys-hint]");
const menu = [...document.querySelectorAll(".rail > nav a")];
hint.hidden = false;

const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]");

let afterG = false;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || keys.open) return;
  if (event.key === "/" && find) {
    event.preventDefault();
    find.focus();
    find.select();
  } else if (event.key === "?") {
    event.preventDefault();
    keys.showModal();
  } else if (afterG && /^[1-9]$/.test(event.key)) {
    menu[Number(event.key) - 1]?.click();
  }
  afterG = event.key === "g";
});

// Ticks all rows of a list.
const all = document.querySelector("[data-all]");
if (all) {
  const boxes = [...document.querySelectorAll(`input[name="${all.dataset.all}"]`)];
  all.hidden = false;
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
}

// Adds new entries to the security record while it is followed.
const EVERY = 3000;
const follow = document.querySelector("[data-follows]");
const rows = document.querySelector("[data-entries]");
const said = document.querySelector("[data-followed]");
const language = document.documentElement.lang;
const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

const make = (name, text, set = {}) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  return Object.assign(element, set);
};

const cell = (label, ...parts) => {
  const element = make("td");
  element.dataset.label = label;
  element.append(...parts.flatMap((part) => (part ? [part, " "] : [])));
  return element;
};

const row = (entry) => {
  const at = new Date(entry.at);
  const tag = (word, look) => make("span", word, { className: `tag ${look}` });
  const soft = (text) => text && make("span", text, { className: "soft", dir: "auto" });
  const link = entry.about && make("a", entry.about[1], { href: entry.about[0], dir: "auto" });
  const element = make("tr", "", { className: entry.marked ? "marked" : "" });
  element.append(
    cell("When", make("time", dates.format(at), { dateTime: entry.at, title: at.toISOString() })),
    cell(
      "What",
      make("strong", entry.what),
      entry.refused && tag("refused", "bad"),
      entry.marked && tag("watch", "mark"),
      entry.count > 1 && tag(`${entry.count} times`, "off"),
      soft(entry.detail),
      soft(entry.reason && `Reason: ${entry.reason}`),
    ),
    cell("Account", link),
    cell("By", entry.actor && make("span", entry.actor, { dir: "auto" })),
    cell("From", entry.client && make("span", entry.client, { dir: "auto" })),
  );
  return element;
};

if (follow && rows) {
  let timer;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    follow.textContent = "Follow";
    follow.setAttribute("aria-pressed", "false");
  };
  const ask = async () => {
    try {
      const path = follow.dataset.follows;
      const joint = path.endsWith("?") ? "" : "&";
      const after = encodeURIComponent(follow.dataset.after);
      const answer = await fetch(`${path}${joint}after=${after}`, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      const { newest, entries } = await answer.json();
      if (!newest) return;
      follow.dataset.after = newest;
      for (const entry of entries) rows.prepend(row(entry));
      said.textContent = entries.length === 1 ? "1 new entry" : `${entries.length} new entries`;
    } catch {
      stop();
      said.textContent = "Following has stopped. Open the page again.";
    }
  };
  follow.hidden = false;
  follow.addEventListener("click", () => {
    if (timer) return stop();
    follow.textContent = "Stop following";
    follow.setAttribute("aria-pressed", "true");
    timer = setInterval(ask, EVERY);
    ask();
  });
}
