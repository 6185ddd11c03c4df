"""Trials: what the product must survive, with a seed, a figure and a control.

    @pytest.mark.torture("D-01")
    def test_no_certificate_is_lost_when_workers_die(trial):
        kills = trial.scale(fast=10, long=200)
        ...                                             # random choices only from trial.random
        trial.report(n=issued, violations=doubled + lost, kills=kills)

    @pytest.mark.control("D-01")
    def test_a_worker_that_acknowledges_first_is_found_out(trial): ...   # the same judge, sabotaged; it must see red

The short form runs in the suite, the long one under `make torture` (CERTAOS_TRIALS=long); `long=True` in the mark
leaves a trial or its control out of the suite. `CERTAOS_SEED` repeats a run. Every report is printed and appended to
`evidence/torture.jsonl`; `violations` other than zero fails the test.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
EVIDENCE = ROOT / "evidence" / "torture.jsonl"
LONG = os.environ.get("CERTAOS_TRIALS") == "long"


class Trial:
    """One run of a torture test: its ids, its seed, its size and the figures it leaves."""

    def __init__(self, test: str, ids: tuple[str, ...], seed: int) -> None:
        self.test = test
        self.ids = ids
        self.seed = seed
        self.random = random.Random(seed)
        self.began = time.monotonic()

    @staticmethod
    def scale(*, fast: int, long: int) -> int:
        """How much of something: `fast` in the suite, `long` under make torture."""
        return long if LONG else fast

    def report(self, *, n: int, violations: int, **figures: Any) -> None:
        """Keep the figures of a finished run and fail when anything was violated."""
        line = {
            "ids": self.ids,
            "test": self.test,
            "seed": self.seed,
            "size": "long" if LONG else "fast",
            "n": n,
            "violations": violations,
            "duration": round(time.monotonic() - self.began, 2),
            **figures,
        }
        text = json.dumps(line, default=str)
        EVIDENCE.parent.mkdir(exist_ok=True)
        with EVIDENCE.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        sys.stdout.write(text + "\n")
        assert n > 0, "nothing was tried"
        assert violations == 0, text


def marks(item: pytest.Item) -> list[pytest.Mark]:
    """What says of a test that it is a trial or a control."""
    return [mark for name in ("torture", "control") for mark in item.iter_markers(name)]


def marked(item: pytest.Item) -> tuple[str, ...]:
    """The catalogue's ids that a test stands for, as trial or as control."""
    return tuple(identity for mark in marks(item) for identity in mark.args)


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Trial:
    """The seed is new in each run unless CERTAOS_SEED says it; a failure prints it."""
    seed = int(os.environ.get("CERTAOS_SEED") or random.SystemRandom().randrange(2**32))
    sys.stdout.write(f"seed {seed}\n")
    return Trial(request.node.nodeid, marked(request.node), seed)


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the trials that only exist at length, unless this is the long run."""
    if LONG:
        return
    kept = [item for item in items if not any(mark.kwargs.get("long") for mark in marks(item))]
    dropped = [item for item in items if item not in kept]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
