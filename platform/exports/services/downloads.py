"""Who may still open an exported file."""

from __future__ import annotations

from core.context import Actor, Kind
from core.errors import DomainError
from exports.enums import ExportStatus
from exports.models import ExportRun
from files.models import StoredFile
from organizations.actors import narrow


def may_open(file: StoredFile, actor: Actor) -> bool:
    """Whether `actor` asked for this file and still holds the right it needed, wherever it was needed."""
    run = ExportRun.objects.filter(file=file, person_id=actor.user_id).first()
    return run is not None and holds_right(run, actor)


def download_guard(run: ExportRun, actor: Actor) -> DomainError | None:
    """Why the person cannot open the file of this run now; None when they can."""
    if run.status == ExportStatus.EXPIRED or (run.status == ExportStatus.DONE and run.file_id is None):
        return DomainError("export_expired")
    if run.status != ExportStatus.DONE:
        return DomainError("export_not_ready")
    return None if run.person_id == actor.user_id and holds_right(run, actor) else DomainError("export_right_lost")


def holds_right(run: ExportRun, actor: Actor) -> bool:
    """Whether `actor` holds the right of the run in all organizations it ran for."""
    holder = narrow(actor, run.permission)
    if run.everywhere or not run.reach:
        return holder.kind is Kind.PLATFORM
    return holder.kind is Kind.PLATFORM or set(run.reach) <= set(holder.organization_ids)
