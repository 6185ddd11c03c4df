"""An export in the background: asked for, watched, finished, cancelled, forgotten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from audit.services import record
from core import clock
from core.context import Actor, Kind
from core.errors import DomainError
from core.transitions import transition
from exports.enums import ExportFormat, ExportStatus
from exports.models import ExportRun, ScheduledExport
from files.services import store_stream
from jobs.services import enqueue
from notifications.services import notify
from organizations.actors import narrow

RUN = "exports.run"
FILE_KIND = "export"
KEPT = dt.timedelta(days=7)
MOST_UNDER_WAY = 5
CONTENT_TYPES = {
    ExportFormat.CSV: ("text/csv", "csv"),
    ExportFormat.EXCEL_CSV: ("text/csv", "csv"),
    ExportFormat.XLSX: ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants exported: see `exports.models.Wish`."""

    resource: str
    permission: str
    query: str = ""
    columns: Sequence[str] = ()
    format: str = ExportFormat.CSV


def sole_home(actor: Actor, permission: str) -> tuple[list[str], bool]:
    """The organizations in which `actor` holds `permission`, as texts in order, and whether it holds everywhere."""
    holder = narrow(actor, permission)
    return sorted(map(str, holder.organization_ids)), holder.kind is Kind.PLATFORM


def _home(reach: list[str], *, everywhere: bool) -> str | None:
    """The one organization an export is about; None where it is about several, or all."""
    return reach[0] if len(reach) == 1 and not everywhere else None


@transaction.atomic
def request_run(
    user: User,
    actor: Actor,
    wanted: Wanted,
    *,
    rows_expected: int = 0,
    schedule: ScheduledExport | None = None,
    slot: dt.datetime | None = None,
) -> ExportRun:
    """Ask for an export in the background; its owner gets a mail when it is ready. DomainError `too_many_exports`.

    `actor` is the owner as of now: the rights it runs with are asked again when it runs.
    """
    under_way = ExportRun.objects.filter(person=user, status=ExportStatus.QUEUED).count()
    if schedule is None and under_way >= MOST_UNDER_WAY:
        raise DomainError("too_many_exports", limit=MOST_UNDER_WAY)
    reach, everywhere = sole_home(actor, wanted.permission)
    run = ExportRun.objects.create(
        person=user,
        organization_id=_home(reach, everywhere=everywhere) if schedule is None else schedule.organization_id,
        resource=wanted.resource,
        query=wanted.query,
        columns=list(wanted.columns),
        format=wanted.format,
        permission=wanted.permission,
        everywhere=everywhere,
        reach=reach,
        rows_expected=rows_expected,
        schedule=schedule,
        slot=slot,
    )
    record("export.requested", run, payload={"resource": run.resource, "scheduled": schedule is not None})
    enqueue(RUN, run, dedupe_key=f"export:{run.pk}", organization=run.organization_id)
    return run


@transaction.atomic
def finish_run(run: ExportRun, content: BinaryIO, *, rows: int, sha256: str) -> ExportRun:
    """Keep the file for a week, for its owner only, and tell them by mail. A run that was cancelled meanwhile stays
    cancelled, and nothing is kept."""
    run = ExportRun.objects.locked().get(pk=run.pk)
    if run.status != ExportStatus.QUEUED:
        return run
    content_type, ending = CONTENT_TYPES[ExportFormat(run.format)]
    file = store_stream(
        content,
        name=f"{run.resource}-{run.created_at:%Y-%m-%d}.{ending}",
        content_type=content_type,
        kind=FILE_KIND,
        organization=run.organization_id,
        person=run.person_id,
        expires_at=clock.now() + KEPT,
    )
    changes = {
        "file": file, "size": file.size, "sha256": sha256, "rows_done": rows, "finished_at": clock.now(),
    }  # fmt: skip
    done = transition(run, ExportStatus.DONE, changes=changes, payload={"rows": rows, "sha256": sha256})
    _tell(done, "export.ready")
    return done


@transaction.atomic
def fail_run(run: ExportRun, code: str) -> ExportRun:
    """Close a run that cannot be done, with the code of the refusal, and tell its owner by mail."""
    changes = {"failure": code, "finished_at": clock.now()}
    failed = transition(run, ExportStatus.FAILED, changes=changes, payload={"code": code})
    _tell(failed, "export.failed")
    return failed


def cancel_run(run: ExportRun) -> ExportRun:
    """Give up a run that is under way: what was written so far is thrown away. DomainError `transition_not_allowed`."""
    return transition(run, ExportStatus.CANCELLED, changes={"finished_at": clock.now()})


def expire_runs() -> int:
    """Mark the runs whose file the files room has deleted; returns how many."""
    over = ExportRun.objects.filter(status=ExportStatus.DONE, file=None)
    for run in over:
        transition(run, ExportStatus.EXPIRED)
    return len(over)


def _tell(run: ExportRun, event: str) -> None:
    """A mail with a link to the console and not a word of what was exported."""
    notify(
        event,
        to=run.person.email,
        language=run.person.language,
        context={"link": run_address(run), "name": run.person.get_short_name(), "repeats": run.schedule_id is not None},
        dedupe_key=f"export:{run.pk}:{run.status}",
        organization=run.organization_id,
        person=run.person_id,
        about=run,
    )


def run_address(run: ExportRun) -> str:
    """The absolute address of the run's page in the console."""
    return settings.SITE_URL.rstrip("/") + reverse("admin:exports_exportrun_change", args=[run.pk])
