// Live parts: the head of the log, its entries, the progress of a key sweep, how connections are. Pages work without this.

const body = document.querySelector("[data-live]");
const state = document.querySelector("[data-live-state]");
const ROWS = 12;
let source = null;

function say(text, on) {
  if (!state) return;
  state.textContent = text;
  state.classList.toggle("on", on);
}

function set(selector, text) {
  for (const place of document.querySelectorAll(selector)) place.textContent = text;
}

function cell(row, className) {
  const made = row.appendChild(document.createElement("td"));
  if (className) made.className = className;
  return made;
}

function span(parent, className, text, title) {
  const made = parent.appendChild(document.createElement("span"));
  if (className) made.className = className;
  made.textContent = text;
  if (title) made.title = title;
  return made;
}

// Builds the same row as the server does; all text goes in as text.
function row(entry) {
  const made = document.createElement("tr");
  made.className = "fresh";
  cell(made, "num").textContent = entry.index;
  const time = cell(made).appendChild(document.createElement("time"));
  time.className = "num";
  time.dateTime = entry.time;
  time.textContent = entry.time.slice(0, 19).replace("T", " ");
  const who = cell(made);
  if (entry.roles.length) who.append(entry.roles.join(" ") + " ");
  else span(who, "muted", "system ");
  if (entry.user) span(who, "id", entry.name, entry.user);
  cell(made).textContent = entry.purpose ?? "";
  const did = cell(made);
  did.append(entry.action);
  if (entry.action === "search" && entry.outcome === "granted") span(did, "muted", entry.classes.length ? " shown" : " asked");
  if (entry.detail) span(did, "muted", " " + entry.detail);
  const classes = span(cell(made), "badges", "");
  for (const name of entry.classes) span(classes, `badge c-${name}`, name);
  const about = cell(made);
  if (entry.patient) span(about, "id", `Patient/${entry.patient.slice(0, 8)} `, `Patient/${entry.patient}`);
  if (entry.records > 1) span(about, "muted", ` ${entry.records} records`);
  else if (entry.record) span(about, "muted", ` ${entry.record}`);
  const outcome = cell(made);
  const kind = { granted: "ok", denied: "no" }[entry.outcome] ?? "bad";
  span(outcome, `state ${kind}`, entry.outcome);
  if (entry.reason) span(outcome, "muted", ` ${entry.reason}`);
  return made;
}

function watch() {
  source = new EventSource("/console/live");
  source.addEventListener("open", () => say("live", true));
  source.addEventListener("error", () => say("reconnecting", false));
  source.addEventListener("head", (event) => {
    const head = JSON.parse(event.data);
    set("[data-size]", head.size);
    set("[data-root]", head.root);
  });
  source.addEventListener("entry", (event) => {
    const entry = JSON.parse(event.data);
    const list = document.querySelector("[data-live=all] [data-log]");
    const newest = Number(list?.querySelector("td")?.textContent.replace(/\D/g, "") || -1);
    if (!list || entry.index <= newest) return;
    list.prepend(row(entry));
    while (list.children.length > ROWS) list.lastElementChild.remove();
  });
  source.addEventListener("keys", (event) => {
    const keys = JSON.parse(event.data);
    for (const bar of document.querySelectorAll("[data-keys]")) {
      bar.max = Math.max(keys.total, 1);
      bar.value = keys.total ? keys.total - keys.left : 1;
    }
    set("[data-keys-text]", keys.left ? `${keys.left} rows still to move to v${keys.primary}` : `All rows are at v${keys.primary}`);
  });
  // Texts come ready from the server, by connection and field.
  source.addEventListener("connections", (event) => {
    for (const { name, fields, kinds } of JSON.parse(event.data)) {
      for (const place of document.querySelectorAll(`[data-connection="${name}"]`)) {
        for (const spot of place.querySelectorAll("[data-field]")) {
          const field = spot.dataset.field;
          if (fields[field] !== undefined && spot.textContent !== fields[field]) spot.textContent = fields[field];
          if (kinds[field]) spot.className = `state ${kinds[field]}`;
        }
      }
    }
  });
}

// A page that nobody looks at does not keep a session alive.
function follow() {
  if (document.hidden) {
    source?.close();
    source = null;
    say("paused", false);
  } else if (!source) watch();
}

if (body) {
  follow();
  document.addEventListener("visibilitychange", follow);
}
