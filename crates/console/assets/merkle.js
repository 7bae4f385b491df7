// RFC 9162 trees, C2SP checkpoints and C2SP tlog-tiles, with WebCrypto and nothing else. No state, no page.

export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const base64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const equal = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
export const leafHash = (leaf) => sha256(concat(Uint8Array.of(0), leaf));
export const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

// C2SP signed-note: a verifier key `name+hash+base64(1 ‖ key)`.
export async function parseKey(text) {
  const [, name, hash, encoded] = text.trim().match(/^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/) ?? [];
  if (!name) throw new Error("the verifier key is malformed");
  const typed = base64(encoded);
  if (typed.length !== 33 || typed[0] !== 1) throw new Error("not an Ed25519 verifier key");
  const id = (await sha256(concat(utf8(name + "\n"), typed))).slice(0, 4);
  if (hexOf(id) !== hash) throw new Error("the verifier key's hash is not that of its name and key");
  return { name, id, raw: typed.slice(1) };
}

// C2SP tlog-checkpoint in a signed note; throws unless this key signed it.
export async function openCheckpoint(note, key) {
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || !note.endsWith("\n")) throw new Error("the checkpoint is malformed");
  const text = note.slice(0, at + 1);
  const [origin, size, root] = text.split("\n");
  if (origin !== key.name || !/^(0|[1-9][0-9]*)$/.test(size)) throw new Error("the checkpoint is of another log");
  for (const line of note.slice(at + 2).split("\n")) {
    const [, name, blob] = line.match(/^\u2014 (\S+) (\S+)$/) ?? [];
    if (name !== key.name) continue;
    const bytes = base64(blob);
    if (!equal(bytes.slice(0, 4), key.id)) continue;
    const imported = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
    const good = await crypto.subtle.verify({ name: "Ed25519" }, imported, bytes.slice(4), utf8(text));
    if (!good) throw new Error("the signature does not fit the checkpoint");
    return { origin, size: Number(size), root: base64(root), signature: bytes.slice(4) };
  }
  throw new Error("no signature by this key");
}

// RFC 9162 section 2.1.3.2: the root that a leaf and its proof lead to. Positions stay below 2^53.
export async function rootFromInclusion(leaf, index, size, proof) {
  if (index >= size) throw new Error("the entry is not in a tree of this size");
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new Error("the proof is too long");
    if (node % 2 === 1 || node === last) {
      hash = await nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
    } else hash = await nodeHash(hash, sibling);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  if (last !== 0) throw new Error("the proof is too short");
  return hash;
}

// RFC 9162 section 2.1.4.2: the roots of the older and the newer tree that a proof leads to.
export async function rootsFromConsistency(older, newer, olderRoot, proof) {
  if (older > newer || older < 1) throw new Error("the sizes do not fit");
  if (older === newer) {
    if (proof.length) throw new Error("the proof is too long");
    return [olderRoot, olderRoot];
  }
  const path = [...proof];
  if (Number.isInteger(Math.log2(older))) path.unshift(olderRoot);
  if (!path.length) throw new Error("the proof is too short");
  let [node, last] = [older - 1, newer - 1];
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  let [first, second] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    if (last === 0) throw new Error("the proof is too long");
    if (node % 2 === 1 || node === last) {
      [first, second] = [await nodeHash(sibling, first), await nodeHash(sibling, second)];
      while (node % 2 === 0 && node !== 0) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
    } else second = await nodeHash(second, sibling);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  if (last !== 0) throw new Error("the proof is too short");
  return [first, second];
}

// C2SP tlog-tiles: the name of a tile of 256 hashes, or of the part of one that there is.
export function tilePath(level, index, width) {
  let [text, rest] = [String(index % 1000).padStart(3, "0"), Math.floor(index / 1000)];
  while (rest > 0) [text, rest] = [`x${String(rest % 1000).padStart(3, "0")}/${text}`, Math.floor(rest / 1000)];
  return `tile/${level}/${text}${width < 256 ? `.p/${width}` : ""}`;
}

// The tree of a log of `size` entries, read from its tiles. `fetchTile` gives the bytes of a path.
export class Tiles {
  constructor(size, fetchTile) {
    this.size = size;
    this.fetchTile = fetchTile;
    this.known = new Map();
    this.fetched = [];
  }

  async tile(level, index) {
    const hashes = level === "entries" ? this.size : Math.floor(this.size / 256 ** level);
    const path = tilePath(level, index, Math.min(256, hashes - index * 256));
    if (!this.known.has(path)) {
      this.known.set(path, await this.fetchTile(path));
      this.fetched.push(path);
    }
    return this.known.get(path);
  }

  // The hash of the subtree over 2^height leaves that is the `position`-th of its height.
  async node(height, position) {
    const [level, inside] = [Math.floor(height / 8), height % 8];
    const first = position * 2 ** inside;
    const tile = await this.tile(level, Math.floor(first / 256));
    let row = Array.from({ length: 2 ** inside }, (_, at) => tile.slice(32 * ((first % 256) + at), 32 * ((first % 256) + at + 1)));
    if (row.some((hash) => hash.length !== 32)) throw new Error("a tile is too short");
    while (row.length > 1) {
      const above = [];
      for (let at = 0; at < row.length; at += 2) above.push(await nodeHash(row[at], row[at + 1]));
      row = above;
    }
    return row[0];
  }

  // RFC 9162 section 2.1.1: the hash over the entries from `low` up to `high`.
  async root(low, high) {
    const height = Math.log2(high - low);
    if (Number.isInteger(height) && low % (high - low) === 0) return this.node(height, low / (high - low));
    const middle = low + split(high - low);
    return nodeHash(await this.root(low, middle), await this.root(middle, high));
  }

  async inclusion(index) {
    const proof = [];
    for (let [low, high] = [0, this.size]; high - low > 1; ) {
      const middle = low + split(high - low);
      proof.push(index < middle ? await this.root(middle, high) : await this.root(low, middle));
      if (index < middle) high = middle;
      else low = middle;
    }
    return proof.reverse();
  }

  async consistency(older) {
    const proof = [];
    let [low, high] = [0, this.size];
    if (older === 0 || older === this.size) return proof;
    while (older < high) {
      const middle = low + split(high - low);
      proof.push(older <= middle ? await this.root(middle, high) : await this.root(low, middle));
      if (older <= middle) high = middle;
      else low = middle;
    }
    if (low > 0) proof.push(await this.root(low, high));
    return proof.reverse();
  }
}

// The largest power of two below `count`.
const split = (count) => 2 ** (Math.ceil(Math.log2(count)) - 1);
