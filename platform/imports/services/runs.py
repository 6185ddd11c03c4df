"""The life of an import, from the upload to its undoing. What its rows mean is told by `resources`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core import clock
from core.context import Actor
from core.errors import DomainError
from core.transitions import transition
from files.models import StagedUpload
from imports.enums import CANCELLABLE, RunState
from imports.models import ColumnMapping, ImportRun
from organizations.models import Organization


def open_run(upload: StagedUpload, organization: Organization, *, columns: Mapping[str, str]) -> ImportRun:
    """An import of this upload for this organization. `columns`: our column by header of the file, empty for none."""
    run = ImportRun(
        organization=organization, person_id=upload.person_id, upload=upload, resource=upload.resource,
        file_name=upload.name, sha256=upload.sha256, columns=dict(columns), expires_at=upload.expires_at,
    )  # fmt: skip
    run.save(force_insert=True)
    return run


def only_uploader(run: ImportRun, actor: Actor) -> None:
    """DomainError `import_not_the_uploader` for anybody else."""
    if actor.user_id is None or actor.user_id != run.person_id:
        raise DomainError("import_not_the_uploader")


def refuse_unless(run: ImportRun, *states: str) -> None:
    """DomainError `import_not_now` unless the run is in one of `states`."""
    if run.state not in states:
        raise DomainError("import_not_now", state=str(run.get_state_display()))


def stop_run(run: ImportRun, refusal: DomainError) -> ImportRun:
    """End a run that may not go on; what its chunks wrote stays and can be undone."""
    kept = {"code": refusal.code, "params": {name: str(value) for name, value in refusal.params.items()}}
    return transition(
        run, RunState.STOPPED, field="state", reason=refusal.code,
        changes={"refusal": kept, "finished_at": clock.now()},
    )  # fmt: skip


@transaction.atomic
def cancel_run(run: ImportRun, *, reason: str = "") -> ImportRun:
    """End a run before its end. A chunk that is being written is finished first; what is written can be undone.
    DomainError `import_not_now`."""
    locked = ImportRun.objects.locked().get(pk=run.pk)
    refuse_unless(locked, *CANCELLABLE)
    return transition(
        locked,
        RunState.CANCELLED,
        field="state",
        reason=reason,
        changes={"finished_at": clock.now(), "upload_id": None},
    )


def remembered_columns(actor: Actor, organization: Organization, resource: str) -> dict[str, str]:
    """What this person took headers of earlier files for: our column by header, folded."""
    mine = ColumnMapping.objects.filter(person_id=actor.user_id, organization=organization, resource=resource)
    return dict(mine.values_list("header", "column"))


def remember_columns(actor: Actor, organization: Organization, resource: str, columns: Mapping[str, str]) -> None:
    """Keep for the next file what the person said about these headers (folded)."""
    for header, column in columns.items():
        ColumnMapping.objects.update_or_create(
            person_id=actor.user_id, organization=organization, resource=resource, header=header[:200],
            defaults={"column": column},
        )  # fmt: skip


def chosen(run: ImportRun, name: str) -> Any:
    """An option the uploader chose, None when not."""
    return run.options.get(name)
