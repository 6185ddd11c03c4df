"""A third party that is slow takes as much of us as was said, and no more."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar

import pytest

from core.outside import Line, NotAsked


def test_a_call_gives_what_it_returns_and_raises_what_it_raises() -> None:
    line = Line(1, 5)

    assert [line.call(lambda: 1), line.call(lambda: 2)] == [1, 2]
    with pytest.raises(ZeroDivisionError):
        line.call(lambda: 1 // 0)
    assert line.call(lambda: 3) == 3


def test_a_call_sees_the_context_of_who_called() -> None:
    seen: ContextVar[str] = ContextVar("seen", default="")
    seen.set("mine")

    assert Line(1, 5).call(seen.get) == "mine"


def test_who_waited_long_enough_goes_on_and_nobody_waits_after_them_for_as_long() -> None:
    line, end = Line(2, 0.2), threading.Event()

    with pytest.raises(TimeoutError):
        line.call(end.wait)
    with pytest.raises(NotAsked):
        line.call(lambda: 1)
    time.sleep(0.2)

    assert line.call(lambda: 1) == 1
    end.set()


def test_no_more_calls_are_under_way_than_were_said() -> None:
    line, begun, end = Line(2, 5), threading.Semaphore(0), threading.Event()

    def hang() -> bool:
        begun.release()
        return end.wait(5)

    crowd = [threading.Thread(target=line.call, args=(hang,)) for _ in range(2)]
    for each in crowd:
        each.start()
    for _ in crowd:
        begun.acquire()
    with pytest.raises(NotAsked):
        line.call(lambda: 1)
    end.set()
    for each in crowd:
        each.join()

    assert line.call(lambda: 1) == 1
