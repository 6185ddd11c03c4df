"""Rows of the shared rooms."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import models

from accounts.models import User
from audit.models import SystemEvent
from core import clock
from exports.models import ExportRun, ScheduledExport
from files.models import StagedUpload, StoredFile
from imports.enums import Outcome, RunState
from imports.models import ColumnMapping, ImportedRow, ImportRun, StagedRow
from jobs.models import Downtime, Job, JobLine, JobProgress, Rehearsal, ScheduleSlot, WorkerHeartbeat
from lists.enums import Audience
from lists.models import BulkEdit, BulkEditRow, SavedView
from notifications.enums import DeliveryResult
from notifications.models import Message, NotificationDelivery
from organizations.models import Organization


def make_job(organization: Organization | None = None, *, subject: models.Model | None = None, **fields: Any) -> Job:
    defaults = {
        "kind": "core.nothing",
        "dedupe_key": f"job-{uuid.uuid4().hex}",
        "subject_type": subject._meta.label_lower if subject else "",
        "subject_id": str(subject.pk) if subject else "",
    }
    return Job.objects.create(organization=organization, **defaults | fields)


def make_progress(job: Job) -> JobProgress:
    return JobProgress.objects.create(job=job, done=3, total=12, text="Reading rows")


def make_line(job: Job) -> JobLine:
    return JobLine.objects.create(job=job, attempt=1, text="Something happened.")


def make_rehearsal(job: Job) -> Rehearsal:
    return Rehearsal.objects.create(job=job, result="It would succeed.")


def make_downtime() -> Downtime:
    return Downtime.objects.create(watched="schedule:test.schedule", began_at=clock.now())


def make_message(organization: Organization | None, to: str, *, person: User | None = None, **fields: Any) -> Message:
    key = uuid.uuid4().hex
    defaults = {
        "event": "user.invite.client", "subject": "You are invited", "text_body": "Hello", "html_body": "<p>Hello</p>",
        "message_id": f"<{key}@certaos.example>", "dedupe_key": key,
    }  # fmt: skip
    return Message.objects.create(organization=organization, person=person, to=to, **defaults | fields)


def make_delivery(message: Message, **fields: Any) -> NotificationDelivery:
    defaults = {"attempt": 1, "provider": "file", "result": DeliveryResult.ACCEPTED, "event": message.event}
    return NotificationDelivery.objects.create(message=message, **defaults | fields)


def make_file(organization: Organization, *, person: User | None = None, **fields: Any) -> StoredFile:
    defaults = {
        "kind": "certificate", "name": "certificate.pdf", "key": f"test/{uuid.uuid4().hex}",
        "content_type": "application/pdf", "size": 3, "sha256": "0" * 64,
    }  # fmt: skip
    return StoredFile.objects.create(organization=organization, person=person, **defaults | fields)


def make_staged_upload(person: User) -> StagedUpload:
    return StagedUpload.objects.create(
        person=person, resource="enrollments", name="clients.csv", sha256="0" * 64, body="sealed",
        expires_at=clock.now() + dt.timedelta(hours=1),
    )  # fmt: skip


def make_import_run(organization: Organization, person: User, **fields: Any) -> ImportRun:
    defaults = {
        "resource": "enrollments", "file_name": "clients.csv", "sha256": "0" * 64, "state": RunState.DONE,
        "rows": 1, "created": 1, "to_create": 1, "expires_at": clock.now() + dt.timedelta(hours=1),
        "finished_at": clock.now(),
    }  # fmt: skip
    return ImportRun.objects.create(organization=organization, person=person, **defaults | fields)


def make_staged_row(run: ImportRun) -> StagedRow:
    return StagedRow.objects.create(
        run=run, organization=run.organization, person=run.person, line=2, outcome=Outcome.ERROR, label="Ada Example"
    )


def make_imported_row(run: ImportRun, record: models.Model) -> ImportedRow:
    return ImportedRow.objects.create(
        run=run, organization=run.organization, line=2, outcome=Outcome.SKIP, record_id=record.pk
    )


def make_column_mapping(organization: Organization, person: User) -> ColumnMapping:
    return ColumnMapping.objects.create(
        organization=organization, person=person, resource="enrollments", header="surname", column="last_name"
    )


def make_system_event() -> SystemEvent:
    return SystemEvent.objects.create(source="test", summary="something happened")


def make_scheduled_export(person: User, organization: Organization, **fields: Any) -> ScheduledExport:
    defaults = {"resource": "payments", "time_zone": "America/New_York", "next_at": clock.now() + dt.timedelta(days=3)}
    return ScheduledExport.objects.create(person=person, organization=organization, **defaults | fields)


def make_export_run(person: User, organization: Organization | None, **fields: Any) -> ExportRun:
    defaults = {
        "resource": "payments", "permission": "payments.export_payment",
        "reach": [organization.pk] if organization else [],
    }  # fmt: skip
    return ExportRun.objects.create(person=person, organization=organization, **defaults | fields)


def make_slot() -> ScheduleSlot:
    return ScheduleSlot.objects.create(schedule="test.schedule", slot=clock.now().replace(second=0, microsecond=0))


def make_heartbeat() -> WorkerHeartbeat:
    return WorkerHeartbeat.objects.create(worker="test", beat_at=clock.now())


def make_saved_view(owner: User, organization: Organization | None = None, **fields: Any) -> SavedView:
    defaults = {
        "list_name": "enrollments.enrollment", "name": "Waiting", "query": "status__exact=review",
        "audience": Audience.PRIVATE if organization is None else Audience.SHARED,
    }  # fmt: skip
    return SavedView.objects.create(owner=owner, organization=organization, **defaults | fields)


def make_bulk_edit(person: User, target: models.Model) -> BulkEdit:
    edit = BulkEdit.objects.create(list_name=target._meta.label_lower, fields=["language"], made_by=person, changed=1)
    make_bulk_edit_row(edit, target)
    return edit


def make_bulk_edit_row(edit: BulkEdit, target: models.Model) -> BulkEditRow:
    return BulkEditRow.objects.create(
        edit=edit, target_id=str(target.pk), label=str(target), before={"language": "es"}, after={"language": "en"}
    )
