"""Write exports in the background, start those that repeat, and forget those whose file is gone."""

from __future__ import annotations

import tempfile
from typing import Any, BinaryIO, cast

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import override

from accounts.models import User
from core.context import Actor, acting
from core.errors import DomainError
from exports.enums import ExportStatus
from exports.models import ExportRun
from exports.services.progress import Cancelled, watching
from exports.services.runs import RUN, expire_runs, fail_run, finish_run
from exports.services.schedules import run_due
from jobs.models import Job
from organizations.actors import load_actor
from resources.catalogue import RESOURCES
from resources.exporting import FORMATS, Written, told_filters, write_export
from resources.lists import listed_rows
from tasks.registry import task

IN_MEMORY = 1024 * 1024


def give_up(job: Job) -> None:
    """A parked job leaves its export failed, not under way for ever."""
    run = ExportRun.objects.filter(pk=job.subject_id, status=ExportStatus.QUEUED).first()
    if run is not None:
        fail_run(run, "export_gone")


@task(RUN, timeout=80, max_attempts=3, backoff=(5_000, 3), parked=give_up)
def run_export(job: Job) -> str:
    """Write one export as its owner, with the rights the owner has now, and keep the file."""
    run = ExportRun.objects.select_related("person").get(pk=job.subject_id)
    if run.status != ExportStatus.QUEUED:
        return f"It is {run.status} already."
    with cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)) as content:
        try:
            written = _written(run, content)
        except DomainError as refusal:
            fail_run(run, refusal.code)
            return f"Refused: {refusal.code}."
        except Cancelled:
            return "It was cancelled."
        finish_run(run, content, rows=written.rows, sha256=written.sha256)
    return f"{written.rows} rows."


def _written(run: ExportRun, content: Any) -> Written:
    """The export as its owner, in a savepoint that a refusal undoes."""
    owner: User = run.person
    actor: Actor = load_actor(owner)
    resource_class = RESOURCES.get(run.resource)
    if resource_class is None:
        raise DomainError("export_gone")
    if not owner.is_active:
        raise DomainError("export_not_yours")
    with acting(actor), override(owner.language), transaction.atomic():
        rows = listed_rows(run.resource, owner, actor, run.query)
        return write_export(
            content,
            resource_class(actor),
            FORMATS[run.format](),
            rows=rows,
            columns=run.columns,
            filters=told_filters(QueryDict(run.query)),
            progress=watching(run),
        )


@task("exports.start_due", timeout=60, max_attempts=3)
def start_due(_job: Job) -> str:
    """Start the scheduled exports whose hour has come."""
    permissions = {name: resource.permission("export") for name, resource in RESOURCES.items()}
    started, stopped = run_due(permissions)
    return f"{started} started, {stopped} stopped."


@task("exports.expire")
def expire(_job: Job) -> str:
    """Mark the exports whose file is deleted by now."""
    return f"{expire_runs()} expired."
