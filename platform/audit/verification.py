"""The whole proof in one report: chains, their ends, and the anchors outside."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from audit.anchors import read_anchors
from audit.chain import Fault, faults


@dataclass(frozen=True, slots=True)
class Report:
    """How much was looked at, the first fault of each chain, and faults of the anchor files."""

    events: int
    anchors: int
    faults: list[Fault] = field(default_factory=list)
    anchor_faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults and not self.anchor_faults

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}

    def lines(self) -> list[str]:
        """The faults in words."""
        found = [
            f"Chain of {fault.organization or 'the platform'}, event number {fault.seq}"
            f"{f' (id {fault.event_id})' if fault.event_id else ''}: {fault.what}."
            for fault in self.faults
        ]
        return found + [f"Anchor file {fault}." for fault in self.anchor_faults]


def verify() -> Report:
    """Walk every chain and anchor that the caller's context shows; needs a transaction."""
    anchors = read_anchors()
    events, found = faults(anchors.hashes)
    return Report(events, anchors.lines, found, anchors.faults)
