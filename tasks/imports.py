"""Check large files, write them chunk by chunk, take them back, and let staged rows go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from accounts.models import User
from core.context import Actor, acting
from core.errors import DomainError
from core.transitions import can_move, transition
from imports.enums import RunState
from imports.models import ImportRun
from imports.services.rows import purge_staged
from imports.services.runs import stop_run
from jobs.models import Job
from organizations.actors import load_actor
from resources.importing import CHECK, check, resource_of
from resources.sets import WrittenInSets
from resources.staging import take
from resources.writing import UNDO, WRITE, ask_for_chunk, undo, write_chunk
from tasks.registry import task


@contextmanager
def _as(person_id: UUID | str) -> Iterator[Actor]:
    """Act with what the person may do now, not with what they could when they uploaded. DomainError `import_not_yours`
    when the account is closed."""
    person = User.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        raise DomainError("import_not_yours")
    with acting(load_actor(person)) as actor:
        yield actor


def _given_up(job: Job) -> None:
    run = ImportRun.objects.filter(pk=job.subject_id).first()
    if run is not None and can_move(run, RunState.STOPPED, field="state"):
        stop_run(run, DomainError("import_failed"))


@task(CHECK, timeout=80, max_attempts=3, parked=_given_up)
def check_file(job: Job) -> str:
    """Judge every row of one file."""
    run = ImportRun.objects.get(pk=job.subject_id)
    if run.state != RunState.CHECKING or run.upload is None:
        return f"Nothing to check: it is {run.state}."
    try:
        with _as(run.person_id) as actor:
            upload = take(str(run.upload_id), resource=run.resource, sha256=run.sha256, actor=actor)
            checked = check(resource_of(run, actor), run, upload.content)
    except DomainError as refusal:
        stop_run(run, refusal)
        return f"Refused: {refusal.code}."
    return f"Judged {checked.rows} rows."


@task(WRITE, timeout=80, max_attempts=5, parked=_given_up)
def write(job: Job) -> str:
    """Write one chunk; its rows, the cursor and the job for the next commit together."""
    run = ImportRun.objects.get(pk=job.subject_id)
    try:
        with _as(run.person_id) as actor:
            resource = resource_of(run, actor)
            more = write_chunk(resource, run, whole=not isinstance(resource, WrittenInSets))
    except DomainError as refusal:
        run.refresh_from_db()
        if can_move(run, RunState.STOPPED, field="state"):
            stop_run(run, refusal)
        return f"Stopped: {refusal.code}."
    if more:
        ask_for_chunk(run)
    return f"Written up to line {run.cursor}."


@task(UNDO, timeout=80, max_attempts=3, parked=_given_up)
def take_back(job: Job) -> str:
    """Take one import back, all of it or nothing; a refusal leaves it as it was, with the reason."""
    run = ImportRun.objects.get(pk=job.subject_id)
    if run.state != RunState.UNDOING:
        return f"Nothing to undo: it is {run.state}."
    try:
        with _as(job.params["person"]) as actor:
            undo(resource_of(run, actor), run)
    except DomainError as refusal:
        kept = {"code": refusal.code, "params": {name: str(value) for name, value in refusal.params.items()}}
        transition(run, job.params["before"], field="state", reason=refusal.code, changes={"refusal": kept})
        return f"Refused: {refusal.code}."
    return "Undone."


@task("imports.purge", timeout=80)
def purge(_: Job) -> str:
    """Expire what nobody confirmed, delete staged rows that are not needed any more."""
    runs, rows = purge_staged()
    return f"Expired {runs} imports, deleted {rows} staged rows."
