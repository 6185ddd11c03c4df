"""Find out what a parked job would do: run its work, see what it wrote and wanted, and roll everything back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.conf import DEFAULT_STORAGE_ALIAS
from django.core.files import File
from django.core.files.storage import InMemoryStorage, Storage, default_storage, storages
from django.db import connection
from psycopg.pq import TransactionStatus

from core import clock
from core.context import acting, system_actor
from core.rehearsal import StaysInside, rehearsal
from jobs.failures import clean, describe
from jobs.models import Job, Rehearsal
from jobs.services import REHEARSE
from jobs.writes import Write, mark, writes_since
from tasks.registry import TaskFailed, UnknownKind, find, task


class _RollBack(Exception):
    """Carries what was found out of the transaction that must not stay."""

    def __init__(self, writes: list[Write], result: str, error: str) -> None:
        super().__init__("rehearsed")
        self.writes = writes
        self.result = result
        self.error = error


def note_death(job: Job) -> None:
    """The rehearsal itself could not be finished."""
    Rehearsal.objects.filter(runs_as=job).update(done_at=clock.now(), error=job.last_error)


@task(REHEARSE, timeout=80, max_attempts=1, parked=note_death)
def rehearse(job: Job) -> str:
    """Fill in the rehearsal that runs as this job. Nothing of the rehearsed work stays, also when it succeeds."""
    found = Rehearsal.objects.select_related("job").get(runs_as=job)
    with rehearsal() as wishes, _files_in_memory():
        found.writes, found.result, found.error = _run(found.job)
    found.outside = wishes
    found.done_at = clock.now()
    found.save(update_fields=["writes", "result", "error", "outside", "done_at", "updated_at"])
    return f"{len(found.writes)} writes, {len(found.outside)} wishes." if not found.error else "It would fail."


def _run(parked: Job) -> tuple[list[dict[str, object]], str, str]:
    """What it would write, what it would answer, and how it would fail."""
    try:
        with acting(system_actor(parked.kind)):
            _perform(parked)
    except _RollBack as seen:
        return [write.as_json() for write in seen.writes], seen.result, seen.error
    raise AssertionError("A rehearsal always rolls back.")


def _perform(parked: Job) -> NoReturn:
    marked, result, error = mark(), "", ""
    try:
        result = find(parked.kind).work(parked)
    except StaysInside as wish:
        error = f"It stops where it would reach outside: {wish}"
    except (TaskFailed, UnknownKind) as failure:
        error = clean(str(failure))
    except Exception as failure:  # noqa: BLE001 -- how it fails is what we want to know
        error = describe(failure)
    broken = connection.needs_rollback or connection.connection.info.transaction_status == TransactionStatus.INERROR
    raise _RollBack([] if broken else writes_since(marked), result, error)


@contextmanager
def _files_in_memory() -> Iterator[None]:
    """Private files written in the block are never on disk; those that are there can be read."""
    lazy: Any = default_storage
    before = lazy._wrapped  # noqa: SLF001 -- Django's own settings override swaps it the same way
    lazy._wrapped = _Beside(storages[DEFAULT_STORAGE_ALIAS])  # noqa: SLF001 -- the same
    try:
        yield
    finally:
        lazy._wrapped = before  # noqa: SLF001 -- the same


class _Beside(InMemoryStorage):
    """What is saved stays in memory; what is not there is read from the real storage."""

    def __init__(self, real: Storage) -> None:
        super().__init__()
        self.real = real

    def _open(self, name: str, mode: str = "rb") -> File:
        held: Any = super()
        found: File = held._open(name, mode) if super().exists(name) else self.real.open(name, mode)  # noqa: SLF001 -- its own
        return found

    def exists(self, name: str) -> bool:
        return super().exists(name) or self.real.exists(name)

    def delete(self, name: str) -> None:
        """Files that are there stay."""
