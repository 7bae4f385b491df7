#!/usr/bin/env python3
"""Verify an exported audit log with PyPI `aics-tlog` (another implementation, another language).

usage: verify_tlog.py DIRECTORY [--vkey VKEY] [--kept CHECKPOINT]

Checks the checkpoint's signature, every tile and every entry bundle against its root, inclusion of entries, that each
exported entry's salt and canonical bytes make the commitment in its bundle, and consistency with an older checkpoint.
Exit 0: all agree; 1: something does not, named on the last line. Without --vkey the export's own `key` is used.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

import aics_tlog as tlog


class Refused(Exception):
    pass


def require(holds, what):
    if not holds:
        raise Refused(what)


def open_checkpoint(path, vkey):
    note = tlog.parse_note(Path(path).read_bytes())
    require(tlog.verify_note(note, [vkey]), f"{path}: signature")
    checkpoint = tlog.parse_checkpoint(note.text)
    require(checkpoint.origin == vkey.name, f"{path}: origin")
    return checkpoint


def sample(size):
    """The ends of the log and of its tiles, and some in between."""
    edges = {0, 1, 254, 255, 256, 257, 65535, 65536, size - 2, size - 1}
    return sorted(n for n in edges | set(range(0, size, max(1, size // 40))) if 0 <= n < size)


def verify(directory, vkey_text, kept):
    directory = Path(directory)
    vkey = tlog.parse_vkey(vkey_text or (directory / "key").read_text().strip())
    head = open_checkpoint(directory / "checkpoint", vkey)
    reader = tlog.FileSystemTileReader(directory)
    if head.size == 0:
        require(head.root == tlog.EMPTY_HASH, "checkpoint: root of an empty log")
        tiles = bundles = 0
    else:
        report = tlog.audit_tiles(reader, head.size, head.root)
        tiles, bundles = report.tiles, report.bundles
    for index in sample(head.size):
        proof = tlog.inclusion_proof_from_tiles(reader, index, head.size)
        entry = tlog.read_entry(reader, index, head.size)
        require(tlog.verify_leaf_inclusion(entry, index, head.size, proof, head.root), f"inclusion of entry {index}")
    verify_entries(directory, reader, head)
    if kept:
        verify_kept(kept, vkey, reader, head)
    print(f"size {head.size}, {tiles} tiles, {bundles} bundles")


def verify_entries(directory, reader, head):
    verified = tlog.VerifiedTileReader(reader, head.size, head.root) if head.size else None
    index, bundle = 0, []
    for path in sorted((directory / "entries").glob("*.ndjson")):
        for line in path.open("rb"):
            line = json.loads(line)
            require(line["index"] == index, f"{path.name}: entry {index} is missing")
            data = bytes.fromhex(line["salt"]) + base64.b64decode(line["entry"], validate=True)
            require(index < head.size, f"{path.name}: entry {index} is beyond the log")
            if index % 256 == 0:
                bundle = read_bundle(verified, index // 256, head.size)
            require(bundle[index % 256] == hashlib.sha256(data).digest(), f"{path.name}: entry {index}")
            index += 1
    require(index == head.size, f"entries end at {index} of {head.size}")


def read_bundle(verified, number, size):
    """The commitments of an authenticated bundle: 16-bit length 32, then 32 bytes, each."""
    width = min(256, size - number * 256)
    raw = verified.read_entry_bundle(number, None if width == 256 else width)
    require(len(raw) == width * 34, f"bundle {number}: not {width} commitments")
    require(all(raw[at : at + 2] == b"\x00\x20" for at in range(0, len(raw), 34)), f"bundle {number}: lengths")
    return [raw[at + 2 : at + 34] for at in range(0, len(raw), 34)]


def verify_kept(path, vkey, reader, head):
    old = open_checkpoint(path, vkey)
    require(old.size <= head.size, f"log is cut off: {head.size} entries, {old.size} were signed")
    proof = [] if old.size in (0, head.size) else tlog.consistency_proof_from_tiles(reader, old.size, head.size)
    require(tlog.verify_consistency(old.size, head.size, old.root, head.root, proof), "not consistent with the kept checkpoint")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--vkey")
    parser.add_argument("--kept")
    arguments = parser.parse_args()
    try:
        verify(arguments.directory, arguments.vkey, arguments.kept)
    except Exception as error:
        print(f"refused: {type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
