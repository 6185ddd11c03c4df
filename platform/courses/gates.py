"""The minimum verified time of a course. Pure: seconds in, a gate out.

Debtor education: two hours of instruction whatever the delivery (28 CFR 58.33(g)(1)(i)); nobody may lower it.
Credit counseling: services typically take at least sixty minutes (28 CFR 58.12(b)(12)); that is policy, and a
supervisor may override it with a reason, which the caller records.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.rules import RuleError

CC_REQUIRED_SECONDS = 3600
DE_REQUIRED_SECONDS = 7200

_GATES = {
    "CC": (CC_REQUIRED_SECONDS, "cc_minimum_time_required"),
    "DE": (DE_REQUIRED_SECONDS, "de_minimum_time_required"),
}


@dataclass(frozen=True, slots=True)
class TimeGate:
    """Whether the time is served. `code` is None on an open gate."""

    open: bool
    code: str | None
    required_seconds: int
    verified_seconds: int

    @property
    def missing_seconds(self) -> int:
        """What is still to be served, whatever an override allows."""
        return max(0, self.required_seconds - self.verified_seconds)


def time_gate(kind: str, verified_seconds: int, *, cc_override: bool = False) -> TimeGate:
    """The gate of a course of `kind` (CC or DE). `cc_override` opens a CC gate only. RuleError `unknown_kind`."""
    if kind not in _GATES:
        raise RuleError("unknown_kind", f"Unknown kind of course {kind!r}.")
    if verified_seconds < 0:
        raise ValueError("Verified time cannot be negative.")
    required, code = _GATES[kind]
    served = verified_seconds >= required or (kind == "CC" and cc_override)
    return TimeGate(served, None if served else code, required, verified_seconds)
