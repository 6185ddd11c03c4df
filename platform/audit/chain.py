"""Recompute and walk the hash chains."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.db import connection

GENESIS = "0" * 64
VERSION = "1"
START = (0, GENESIS)

# Organization ("" for the platform's own chain), number of the event.
Place = tuple[str, int]


def canonical(fields: Iterable[str]) -> bytes:
    """Each field as its byte length, a colon and its bytes, so that no boundary can be shifted."""
    encoded = [field.encode() for field in fields]
    return b"".join(str(len(part)).encode() + b":" + part for part in encoded)


def digest(fields: Iterable[str]) -> str:
    """SHA-256 over the canonical bytes, as the database function `app.append_audit` computes it."""
    return hashlib.sha256(canonical(fields)).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """The first event of a chain that does not hold, by its place and, where a row stands there, its id."""

    organization: str
    seq: int
    what: str
    event_id: int | None = None


@dataclass(slots=True)
class Walk:
    """What a walk over all chains has seen so far."""

    anchored: Mapping[Place, frozenset[str]]
    count: int = 0
    found: dict[str, Fault] = field(default_factory=dict)
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)
    heads: dict[str, tuple[int | None, str | None]] = field(default_factory=dict)

    def complain(self, organization: str, seq: int, what: str, event_id: int | None = None) -> None:
        """Keep the fault, unless the chain has an earlier one."""
        known = self.found.get(organization)
        if known is None or seq < known.seq:
            self.found[organization] = Fault(organization, seq, what, event_id)


# One statement, so that chains and their ends come from the same moment while others go on writing.
_ROWS = """
SELECT coalesce(h.organization_id::text, e.organization_id::text, ''), h.seq, h.hash,
       e.id, e.seq, (extract(epoch FROM e.at) * 1000000)::bigint::text,
       coalesce(e.actor_id::text, ''), e.actor_label, e.act, e.target_type, e.target_id, e.reason, e.correlation_id,
       e.payload::text, e.prev_hash, e.hash
FROM audit_audithead h FULL JOIN audit_auditevent e
    ON coalesce(h.organization_id::text, '') = coalesce(e.organization_id::text, '')
ORDER BY 1, e.seq
"""
_HEADS = "SELECT coalesce(organization_id::text, ''), seq, hash FROM audit_audithead ORDER BY 1"


def heads() -> dict[str, tuple[int, str]]:
    """The end of each chain the caller's context shows: number and hash of its last event."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADS)
        return {organization: (seq, value) for organization, seq, value in cursor.fetchall()}


def faults(anchored: Mapping[Place, frozenset[str]] | None = None) -> tuple[int, list[Fault]]:
    """How many events the caller's context shows, and the first fault of each chain.

    Found are a changed, missing, inserted or swapped row and a cut tail. `anchored` are hashes that were kept outside
    of the database: against them a tail cut together with its head and a chain rewritten as a whole are found too.
    Reads in portions; needs a transaction.
    """
    walk = Walk(anchored or {})
    with connection.chunked_cursor() as cursor:
        cursor.execute(_ROWS)
        for organization, head_seq, head_hash, event_id, seq, *fields in cursor:
            walk.heads[organization] = (head_seq, head_hash)
            if event_id is not None:
                _step(walk, organization, seq, event_id, fields)
    for organization, head in walk.heads.items():
        last = walk.ends.get(organization, START)
        if last != head:
            walk.complain(organization, last[0], "the end of the chain is cut off or rewritten")
    for organization, seq in sorted(walk.anchored):
        last = walk.ends.get(organization, START)
        if seq > last[0]:
            walk.complain(organization, last[0] + 1, f"the chain ends, but an anchor knows event number {seq}")
    return walk.count, sorted(walk.found.values(), key=lambda fault: fault.organization)


def _step(walk: Walk, organization: str, seq: int, event_id: int, fields: list[str]) -> None:
    walk.count += 1
    last_seq, last_hash = walk.ends.get(organization, START)
    walk.ends[organization] = (seq, fields[-1])
    for what in _complaints(seq, last_seq, last_hash, organization, fields):
        walk.complain(organization, seq, what, event_id)
    anchors = walk.anchored.get((organization, seq))
    if anchors is not None and anchors != {fields[-1]}:
        walk.complain(organization, seq, "the event differs from its anchor", event_id)


def _complaints(seq: int, last_seq: int, last_hash: str, organization: str, fields: list[str]) -> Iterator[str]:
    prev_hash, stored = fields[-2], fields[-1]
    if seq != last_seq + 1:
        yield f"an event between number {last_seq} and number {seq} is missing"
    if prev_hash != last_hash:
        yield "the event does not follow the one before it"
    if digest([VERSION, organization, str(seq), *fields[:-1]]) != stored:
        yield "the event was altered"
