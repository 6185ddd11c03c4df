"""Ends of the chains, signed and kept where no database role reaches.

One line of JSON per chain and hour in `ANCHORS_DIR/<year>-<month>.jsonl`. Each is signed with a key made from
FIELD_KEYS, named by its id, over its own content and the signature of the line before it: a line changed, taken out
or put in is seen. What a month's file loses at its end cannot be seen by itself; copy the folder elsewhere, or make
its files append-only (`chattr +a`).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from django.conf import settings

from audit.chain import Place, canonical, heads
from core import clock

PURPOSE = b"certaos audit anchor v1"


@dataclass(frozen=True, slots=True)
class Anchor:
    """That the chain of `organization` had `count` events at `at`, the last of them number `seq` with `hash`."""

    organization: str
    seq: int
    count: int
    hash: str
    at: str
    key: str
    before: str = ""
    signature: str = ""

    def signed(self, before: str) -> Anchor:
        """The same, following the line signed `before`, with its own signature."""
        linked = replace(self, before=before)
        return replace(linked, signature=linked.sign())

    def sign(self) -> str:
        """The signature this content must carry; KeyError when its key is not among FIELD_KEYS."""
        secret = hmac.new(settings.FIELD_KEYS[self.key], PURPOSE, hashlib.sha256).digest()
        content = [self.organization, str(self.seq), str(self.count), self.hash, self.at, self.key, self.before]
        return hmac.new(secret, canonical(content), hashlib.sha256).hexdigest()


@dataclass(slots=True)
class Anchors:
    """Everything the files hold: the hashes by place, and what is wrong with the files themselves."""

    hashes: dict[Place, frozenset[str]] = field(default_factory=dict)
    lines: int = 0
    faults: list[str] = field(default_factory=list)


def write_anchors() -> int:
    """Append the end of every chain that grew since its last anchor; returns how many. Needs the system context."""
    known = _latest()
    key_id = next(iter(settings.FIELD_KEYS))
    moment = clock.now()
    fresh = [
        Anchor(organization, seq, seq, value, moment.isoformat(), key_id)
        for organization, (seq, value) in heads().items()
        if known.get(organization, 0) < seq
    ]
    if fresh:
        _append(settings.ANCHORS_DIR / f"{moment:%Y-%m}.jsonl", fresh)
    return len(fresh)


def read_anchors() -> Anchors:
    """Every anchor of every file, each judged by its signature and its place after the line before it."""
    found = Anchors()
    hashes: dict[Place, set[str]] = defaultdict(set)
    for path in _files():
        before = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found.lines += 1
            anchor, fault = _judge(line, before)
            if anchor is None or fault:
                found.faults.append(f"{path.name} line {number} {fault}")
            if anchor is not None:
                before = anchor.signature
                if not fault:
                    hashes[anchor.organization, anchor.seq].add(anchor.hash)
    found.hashes = {place: frozenset(values) for place, values in hashes.items()}
    return found


def _judge(line: str, before: str) -> tuple[Anchor | None, str]:
    try:
        anchor = Anchor(**json.loads(line))
        expected = anchor.sign()
    except KeyError:
        return anchor, f"is signed with the unknown key {anchor.key!r}"
    except (TypeError, ValueError):
        return None, "is not an anchor"
    if not hmac.compare_digest(expected, anchor.signature):
        return anchor, "was altered"
    return anchor, "" if anchor.before == before else "does not follow the line before it"


def _files() -> list[Path]:
    return sorted(settings.ANCHORS_DIR.glob("*.jsonl"))


def _latest() -> dict[str, int]:
    latest: dict[str, int] = {}
    for path in _files():
        for line in path.read_text(encoding="utf-8").splitlines():
            anchor, _ = _judge(line, "")
            if anchor is not None:
                latest[anchor.organization] = max(anchor.seq, latest.get(anchor.organization, 0))
    return latest


def _append(path: Path, anchors: list[Anchor]) -> None:
    """Add whole lines at the end, one writer at a time, on the disk before this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = file.read().splitlines()
        last, _ = _judge(lines[-1], "") if lines else (None, "")
        before = last.signature if last is not None else ""
        for anchor in anchors:
            line = anchor.signed(before)
            before = line.signature
            file.write(json.dumps(asdict(line), sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
