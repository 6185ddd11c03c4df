"""One-off faults of the API: answers cut short, and errors instead of answers."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

KINDS = ("cut", "status")
EFFECTS = ("none", "stored", "processed")


@dataclass
class Fault:
    """What happens to the next `times` requests that match `method` and `path` (shell pattern; `*` is any).

    kind "cut":    the request is processed and remembered in full, then the connection closes after `after` bytes of
                   the raw answer, status line included; 0 sends nothing.
    kind "status": the answer is an error with HTTP `status`. `effect` says what happened behind it: "none", nothing,
                   and a retry with the same key is executed; "stored", nothing, but the error is remembered for the
                   key as Stripe remembers a 500; "processed", everything, and the error is remembered all the same.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    times: int = 1
    after: int = 0
    status: int = 500
    effect: str = "none"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.effect not in EFFECTS:
            raise ValueError(f"a fault is of kind {KINDS} with an effect in {EFFECTS}")
        if self.times < 1 or self.after < 0 or not 400 <= self.status <= 599:
            raise ValueError("a fault has times >= 1, after >= 0 and a status between 400 and 599")


class Faults:
    """The faults still to come, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down; None when no fault matches."""
        with self._lock:
            for fault in self._waiting:
                if fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path):
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
            return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def as_list(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]
