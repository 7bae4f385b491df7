// The check of the log in the browser: what is fetched is not believed, it is computed anew and compared with the signed root.

import * as merkle from "./merkle.js";

const KEPT = "aceso-checkpoint";

async function fetched(path) {
  const answer = await fetch(`/console/audit/${path}`, { headers: { accept: "*/*" } });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error ?? `the server answered ${answer.status}`);
}

// What this browser saw at its last check of this log.
function kept(origin) {
  try {
    return JSON.parse(localStorage.getItem(`${KEPT}:${origin}`));
  } catch {
    return null;
  }
}

class Report {
  constructor(list) {
    this.list = list;
    list.replaceChildren();
  }

  add(kind, title, details = []) {
    const line = document.createElement("li");
    line.className = kind;
    const head = document.createElement(kind.includes("sum") ? "span" : "b");
    head.textContent = title;
    line.append(head);
    for (const [name, value] of details) {
      const small = document.createElement("small");
      small.append(`${name} `);
      const code = document.createElement("code");
      code.textContent = value;
      small.append(code);
      line.append(small);
    }
    this.list.append(line);
  }
}

async function check(box, report) {
  const index = Number(box.querySelector("input").value);
  if (!Number.isSafeInteger(index) || index < 0) throw new Error("which entry? Its number is missing");
  const key = await merkle.parseKey(box.dataset.key);
  const last = kept(key.name);
  const proof = await (await fetched(`entry/${index}${last ? `?older=${last.size}` : ""}`)).json();

  const head = await merkle.openCheckpoint(proof.checkpoint, key);
  report.add("done", "The checkpoint is signed by the log's key", [
    ["key", merkle.hexOf(key.raw)],
    ["signed root", merkle.hexOf(head.root)],
    ["entries", head.size],
  ]);

  const commitment = await merkle.sha256(merkle.concat(merkle.bytesOf(proof.salt), merkle.base64(proof.canonical)));
  const leaf = await merkle.leafHash(commitment);
  const shown = proof.shown;
  const who = `${(shown.roles ?? []).join(" ") || "system"} · ${shown.action} · ${shown.outcome} · ${shown.time}`;
  report.add("done", `Entry ${index} hashes to its leaf`, [["entry", who], ["leaf", merkle.hexOf(leaf)]]);

  const full = box.dataset.full === "true";
  const bytes = async (path) => new Uint8Array(await (await fetched(path)).arrayBuffer());
  const tiles = full ? new merkle.Tiles(head.size, bytes) : null;
  if (tiles) {
    const bundle = await tiles.tile("entries", Math.floor(index / 256));
    const stored = bundle.slice(34 * (index % 256) + 2, 34 * (index % 256) + 34);
    if (!merkle.equal(stored, commitment)) throw new Error("the entry is not the one in its bundle");
  }
  const path = tiles ? await tiles.inclusion(index) : proof.inclusion.map(merkle.bytesOf);
  const root = await merkle.rootFromInclusion(leaf, index, head.size, path);
  if (!merkle.equal(root, head.root)) throw new Error(`the entry leads to the root ${merkle.hexOf(root)}, which was not signed`);
  report.add("done", "The leaf leads to the signed root", [
    ["computed", merkle.hexOf(root)],
    ["signed", merkle.hexOf(head.root)],
    ["from", tiles ? `${path.length} hashes out of ${tiles.fetched.length} tiles` : `${path.length} hashes`],
  ]);

  const grown = await consistent(report, last, head, tiles, proof);
  localStorage.setItem(`${KEPT}:${key.name}`, JSON.stringify({ size: head.size, root: merkle.hexOf(head.root) }));
  const unchanged = grown ? ` The ${last.size} entries that this browser saw before are unchanged.` : "";
  report.add("done sum", `Entry ${index} is in the signed log of ${head.size} entries.${unchanged}`);
}

async function consistent(report, last, head, tiles, proof) {
  if (!last) {
    report.add("done", "First check with this browser: it keeps this checkpoint to compare the next one with", []);
    return false;
  }
  if (last.size > head.size) throw new Error(`this browser has seen ${last.size} entries, now there are ${head.size}: the log was cut`);
  const older = merkle.bytesOf(last.root);
  const path = tiles ? await tiles.consistency(last.size) : proof.consistency.map(merkle.bytesOf);
  const [first, second] = await merkle.rootsFromConsistency(last.size, head.size, older, path);
  if (!merkle.equal(first, older) || !merkle.equal(second, head.root)) {
    throw new Error("the log is not a continuation of what this browser saw before: it was rewritten");
  }
  report.add("done", `The log grew from ${last.size} to ${head.size} entries and kept its beginning`, [
    ["seen before", last.root],
    ["computed", merkle.hexOf(first)],
  ]);
  return true;
}

for (const box of document.querySelectorAll("[data-verify]")) {
  const button = box.querySelector("[data-verify-run]");
  button.addEventListener("click", async () => {
    const report = new Report(box.querySelector("[data-verify-steps]"));
    button.disabled = true;
    try {
      await check(box, report);
    } catch (error) {
      report.add("fault", error.message);
      report.add("fault sum", "Not proven.");
    }
    button.disabled = false;
  });
}
