"""What the worker may run: an allow-list of kinds, filled by `@task` in `tasks/<noun>.py`."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import tasks
from jobs.models import Job

# Shorter than the queue's own time limit, and short enough that two in a row do not look like a hung worker.
LONGEST_SECONDS = 80
LONGEST_WAIT = dt.timedelta(hours=6)
MACHINERY = frozenset({"registry", "runner", "loop", "cluster", "schedules", "supervisor", "vitals"})

Work = Callable[[Job], str]
Aftermath = Callable[[Job], None]


class UnknownKind(LookupError):
    """A job names a kind that no task is registered for."""


class TaskFailed(Exception):
    """A task could not do its work, and says how that is to be treated.

    The work's transaction is rolled back; `keep` writes what must outlive that, in the transaction that records the
    failure. `final` parks the job at once, because trying again cannot help.
    """

    def __init__(self, message: str, *, final: bool = False, keep: Callable[[], object] | None = None) -> None:
        super().__init__(message)
        self.final = final
        self.keep = keep


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of work: what runs, for how many seconds, how often it is tried and how long it waits between.

    `most` None leaves the number to the job. `grace` is the time beyond `timeout` after which a silent worker counts
    as dead. `parked` runs when a job is given up, `cancelled` when it stopped because it was asked to, in the same
    transaction.
    """

    kind: str
    work: Work
    timeout: float
    most: int | None
    backoff: tuple[float, float]
    grace: float
    parked: Aftermath | None
    cancelled: Aftermath | None = None

    @property
    def lease(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.timeout + self.grace)

    def attempts_for(self, job: Job) -> int:
        """How often `job` may be tried before it is parked."""
        return self.most or job.max_attempts

    def wait_after(self, attempt: int) -> dt.timedelta:
        """How long to wait after the failure of the attempt counted from 1: base × factor^(attempt - 1)."""
        base, factor = self.backoff
        longest = LONGEST_WAIT / dt.timedelta(milliseconds=1)
        return dt.timedelta(milliseconds=min(base * factor ** min(attempt - 1, 60), longest))


_TASKS: dict[str, Task] = {}


def task(
    kind: str,
    *,
    timeout: float = 60,
    max_attempts: int | None = None,
    backoff: tuple[float, float] = (1000, 2),
    grace: float = 20,
    parked: Aftermath | None = None,
    cancelled: Aftermath | None = None,
    formerly: Sequence[str] = (),
) -> Callable[[Work], Work]:
    """Register a function as the work of `kind`; it gets the job and returns a sentence for the record.

    It runs in the system context, inside the transaction that also marks the job done: what it writes happens exactly
    once, what it does outside happens at least once and must carry the job's `dedupe_key`. `timeout` in seconds,
    `backoff` as (first wait in milliseconds, factor). `formerly`: older names of the kind, under which jobs may still
    wait. ValueError for a kind said twice or a time limit too long.
    """
    names = (kind, *formerly)
    if doubled := [name for name in names if name in _TASKS]:
        raise ValueError(f"The kind {doubled[0]!r} is registered twice.")
    if not 0 < timeout <= LONGEST_SECONDS:
        raise ValueError(f"The time limit of {kind!r} must be at most {LONGEST_SECONDS} seconds.")

    def register(work: Work) -> Work:
        found = Task(kind, work, timeout, max_attempts, backoff, grace, parked, cancelled)
        _TASKS.update(dict.fromkeys(names, found))
        return work

    return register


@cache
def _load() -> None:
    """Import every `tasks/<noun>.py` once, so that a new file needs no entry anywhere."""
    for module in pkgutil.iter_modules(tasks.__path__):
        if module.name not in MACHINERY:
            importlib.import_module(f"tasks.{module.name}")


def find(kind: str) -> Task:
    """The task of `kind`. UnknownKind when there is none."""
    _load()
    try:
        return _TASKS[kind]
    except KeyError:
        raise UnknownKind(f"No task is registered for the kind {kind!r}.") from None


def registered() -> Mapping[str, Task]:
    """Every kind and its task."""
    _load()
    return dict(_TASKS)
