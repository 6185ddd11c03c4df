"""Calls to third parties: however slowly one answers, it holds up only so many of us, each for only so long."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

AnswerT = TypeVar("AnswerT")


class NotAsked(ConnectionError):
    """Nothing was sent: enough calls are under way, or the last one was waited for in vain a moment ago."""


class Line:
    """A way to one third party on which `most` callers of this process wait at once, each for at most `seconds` in all.

    The limits of a socket begin anew with every byte, so each call runs in a thread of its own. Who waited long enough
    leaves it there to end by itself, and for as long again nobody else is let wait. The call sees the caller's context,
    and must ask no database.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.seconds = seconds
        self._places = threading.BoundedSemaphore(most)
        self._rests_until = 0.0

    def call(self, act: Callable[[], AnswerT]) -> AnswerT:
        """What `act` returns or raises. TimeoutError when it takes too long, NotAsked when it was not begun."""
        if time.monotonic() < self._rests_until or not self._places.acquire(blocking=False):
            raise NotAsked("It does not answer, or not quickly enough.")
        try:
            return self._begin(act).result(self.seconds)
        except TimeoutError:
            self._rests_until = time.monotonic() + self.seconds
            raise
        finally:
            self._places.release()

    @staticmethod
    def _begin(act: Callable[[], AnswerT]) -> Future[AnswerT]:
        answer: Future[AnswerT] = Future()

        def run() -> None:
            try:
                answer.set_result(act())
            except BaseException as error:  # noqa: BLE001 -- the caller raises it
                answer.set_exception(error)

        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
        return answer
