// What the console gains from a script. All of it works without one.
const find = document.querySelector("[data-find]");
const hint = document.querySelector("[data-keys-hint]");
const fresh = document.querySelector("[data-new]");
const menu = [...document.querySelectorAll("[data-key]")];

const make = (name, text, set = {}) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  return Object.assign(element, set);
};

// Ticks all rows of a list.
const all = document.querySelector("[data-all]");
if (all) {
  const boxes = [...document.querySelectorAll(`input[name="${all.dataset.all}"]`)];
  all.hidden = false;
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
}

// The list of the keys. They do nothing in fields, and nothing at all if the box in it is not ticked.
const listed = (of, className = "") => {
  const list = make("dl", "", { className });
  for (const [names, what] of of) {
    const term = make("dt");
    term.append(...[...names].flatMap((name) => [make("kbd", name), " "]));
    list.append(term, make("dd", what));
  }
  return list;
};
const isWanted = make("input", "", { type: "checkbox" });
const keys = make("dialog", "", { className: "keys" });
const wanted = make("label", "", { className: "check" });
wanted.append(isWanted, make("span", "Use these keys"));
const close = make("form", "", { method: "dialog" });
close.append(wanted, make("button", "Close", { className: "plain" }));
keys.setAttribute("aria-labelledby", "keys-title");
keys.append(
  make("h2", "Keys", { id: "keys-title" }),
  listed([
    ...(find ? [["/", "Search accounts"]] : []),
    ...(fresh ? [["n", "New account"]] : []),
    ["jk", "Next and previous row of a list"],
    ["xa", "Select the row, or all rows"],
    ["?", "This list"],
  ]),
  make("h3", "Pages: g, then"),
  listed(menu.map((link) => [link.dataset.key, link.textContent]), "two"),
  close,
);
document.body.append(keys);

let kept;
try { kept = localStorage; } catch { /* This browser keeps nothing: the keys are on again on the next page. */ }
isWanted.checked = kept?.getItem("keys") !== "off";
isWanted.addEventListener("change", () => kept?.setItem("keys", isWanted.checked ? "on" : "off"));
hint.hidden = false;
hint.addEventListener("click", () => keys.showModal());

const rowOf = (element) => element?.closest("tbody tr");
const walk = (by) => {
  const rows = [...document.querySelectorAll(".grid tbody tr")];
  const links = rows.flatMap((one) => one.querySelector("a, button") ?? []);
  const at = links.findIndex((link) => rowOf(link) === rowOf(document.activeElement));
  links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
};
const acts = {
  "/": () => find?.select(),
  "?": () => keys.showModal(),
  n: () => fresh?.click(),
  j: () => walk(1),
  k: () => walk(-1),
  x: () => rowOf(document.activeElement)?.querySelector("input[type=checkbox]")?.click(),
  a: () => all?.click(),
};
const isTyping = ({ target }) =>
  target.type !== "checkbox" && target.closest("input, select, textarea, [contenteditable]");

let isAfterG = false;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event) || keys.open || !isWanted.checked) return;
  const opens = isAfterG;
  isAfterG = !opens && event.key === "g";
  if (opens) {
    menu.find((link) => link.dataset.key === event.key)?.click();
  } else if (Object.hasOwn(acts, event.key)) {
    event.preventDefault();
    acts[event.key]();
  }
});

// Names the bars of the charts, from the table beneath them.
const NS = "http://www.w3.org/2000/svg";
const periods = [...document.querySelectorAll(".figures-table tbody tr")].reverse();
document.querySelectorAll(".charts svg").forEach((chart, at) => {
  const width = 600 / periods.length;
  periods.forEach((period, number) => {
    const bar = document.createElementNS(NS, "rect");
    for (const [name, value] of [["x", width * number], ["width", width], ["height", 120]]) bar.setAttribute(name, value);
    const name = document.createElementNS(NS, "title");
    name.textContent = `${period.cells[0].textContent}: ${period.cells[at + 1].textContent}`;
    bar.append(name);
    chart.append(bar);
  });
});

// Leaves empty filters out of the address.
const filters = document.querySelector("[data-filters]");
filters?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});
// Shows the progress of work that goes on.
if (document.querySelector("[data-runs]")) setTimeout(() => location.reload(), 2000);

// Adds new entries to the security record while it is followed.
const EVERY = 3000;
const follow = document.querySelector("[data-follows]");
const rows = document.querySelector("[data-entries]");
const said = document.querySelector("[data-followed]");
const language = document.documentElement.lang;
const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

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
  const shown = [...rows.querySelectorAll("[data-id]")].map((entry) => entry.dataset.id);
  const known = new Set(shown);
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
      if (newest) follow.dataset.after = newest;
      const added = entries.filter(({ id }) => id > shown.at(-1) && !known.has(id));
      if (added.length === 0) return;
      for (const entry of added) {
        known.add(entry.id);
        rows.prepend(row(entry));
      }
      said.textContent = added.length === 1 ? "1 new entry" : `${added.length} new entries`;
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
