"""The allow-list of kinds."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path

import pytest

from tasks.registry import LONGEST_WAIT, UnknownKind, find, registered, task
from tasks.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[2]


def test_a_kind_said_twice_is_refused() -> None:
    kind = next(iter(registered()))

    with pytest.raises(ValueError, match="registered twice"):
        task(kind)


def test_a_time_limit_beyond_the_watchdogs_patience_is_refused() -> None:
    with pytest.raises(ValueError, match="time limit"):
        task("test.endless", timeout=81)


def test_an_unknown_kind_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownKind, match=r"test\.nowhere"):
        find("test.nowhere")


def test_waits_grow_by_the_factor_and_end_at_six_hours() -> None:
    mail = find("notifications.deliver")

    assert [mail.wait_after(n).total_seconds() for n in (1, 2, 3)] == [10, 30, 90]
    assert mail.wait_after(60) == LONGEST_WAIT == dt.timedelta(hours=6)


def test_every_kind_that_is_asked_for_or_scheduled_is_registered() -> None:
    asked = {kind for path in (*ROOT.glob("platform/**/*.py"), *ROOT.glob("tasks/*.py")) for kind in _asked_for(path)}

    assert asked | {schedule.kind for schedule in SCHEDULES} <= set(registered())


def _asked_for(path: Path) -> set[str]:
    """Kinds given as text to `enqueue(...)` in a file."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {
        first.value
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) == "enqueue" and call.args
        if isinstance(first := call.args[0], ast.Constant)
    }


def test_every_kind_is_named_after_the_room_of_its_file() -> None:
    wrong = [kind for kind, found in registered().items() if f"tasks.{kind.partition('.')[0]}" != found.work.__module__]

    assert wrong == []
