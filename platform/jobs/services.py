"""Ask for work, and decide about work that could not be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import models, transaction

from core import clock
from core.errors import DomainError
from core.transitions import transition
from jobs.enums import JobState
from jobs.models import Job
from jobs.queue import carry


def enqueue(
    kind: str,
    subject: models.Model | None = None,
    *,
    dedupe_key: str,
    organization: UUID | None = None,
    not_before: dt.datetime | None = None,
    params: Mapping[str, Any] | None = None,
    max_attempts: int = 5,
    queue: str = "",
) -> Job:
    """Write a job in the caller's transaction and hand its id to the queue in the same transaction.

    `dedupe_key` names the effect for ever: a second call with the same key changes nothing and returns a job that
    was not saved. `params` are ids, numbers and states only. A task may declare its own most attempts, which then
    counts. `queue` names another queue than the shared one. The caller's roll-back takes the job with it.
    """
    job = Job(
        kind=kind,
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        dedupe_key=dedupe_key,
        organization_id=organization,
        params=dict(params or {}),
        not_before=not_before or clock.now(),
        max_attempts=max_attempts,
    )
    with transaction.atomic():
        Job.objects.bulk_create([job], ignore_conflicts=True)
        carry(job.pk, queue=queue, at=job.not_before)
    return job


def rerun_job(job: Job, *, reason: str) -> Job:
    """Give a parked job a new round of attempts under its unchanged idempotency key.

    DomainError `reason_required` without a reason, `transition_not_allowed` unless it is parked.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    fresh = transition(
        job,
        JobState.READY,
        field="state",
        reason=reason,
        changes={"attempts": 0, "not_before": clock.now(), "lease_until": None},
    )
    carry(fresh.pk)
    return fresh


def cancel_job(job: Job, *, reason: str) -> Job:
    """Give up a waiting or parked job for good. DomainError `reason_required`, `transition_not_allowed`."""
    if not reason.strip():
        raise DomainError("reason_required")
    return transition(job, JobState.CANCELLED, field="state", reason=reason, changes={"finished_at": clock.now()})
