"""Ask for work, and decide about work that could not be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models, transaction

from audit.services import record
from core import clock
from core.errors import DomainError
from core.transitions import transition
from jobs.enums import JobState
from jobs.models import Job, Rehearsal

REHEARSE = "rehearsals.rehearse"


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
    """Write a job in the caller's transaction; a worker takes it when that has committed.

    `dedupe_key` names the effect for ever: a second call with the same key changes nothing and returns a job that
    was not saved. `params` are ids, numbers and states only. A task may declare its own most attempts, which then
    counts. `queue` names the one worker that may run it. The caller's roll-back takes the job with it.
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
        queue=queue,
    )
    Job.objects.bulk_create([job], ignore_conflicts=True)
    return job


def rerun_job(job: Job, *, reason: str) -> Job:
    """Give a parked job a new round of attempts under its unchanged idempotency key.

    DomainError `reason_required` without a reason, `job_subject_gone` when its record is no longer there,
    `transition_not_allowed` unless it is parked.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    if subject_is_gone(job):
        raise DomainError("job_subject_gone")
    return transition(
        job,
        JobState.READY,
        field="state",
        reason=reason,
        guards=(_is_parked,),
        changes={"attempts": 0, "not_before": clock.now(), "lease_until": None, "cancel_asked_at": None},
    )


def _is_parked(job: Job) -> DomainError | None:
    """The worker too brings jobs back to ready; a person does so with parked ones only."""
    if job.state == JobState.PARKED:
        return None
    return DomainError("transition_not_allowed", before=job.state, after=JobState.READY)


def subject_is_gone(job: Job) -> bool:
    """Whether the record that the job is about was erased, or is out of the caller's reach."""
    if not job.subject_type:
        return False
    try:
        model = apps.get_model(job.subject_type)
    except LookupError:
        return True
    return not model._base_manager.filter(pk=job.subject_id).exists()


@transaction.atomic
def rehearse_job(job: Job) -> Rehearsal:
    """Ask the worker to find out what this parked job would do now: it runs it and rolls everything back.

    DomainError `job_not_parked` for any other state.
    """
    if job.state != JobState.PARKED:
        raise DomainError("job_not_parked")
    found = Rehearsal(job=job)
    found.runs_as = enqueue(
        REHEARSE, found, dedupe_key=f"rehearse:{found.pk}", organization=job.organization_id, max_attempts=1
    )
    found.save(force_insert=True)
    record("job.rehearsed", job, payload={"rehearsal": found.pk})
    return found


def cancel_job(job: Job, *, reason: str) -> Job:
    """Give up a job for good: a waiting or parked one at once; a running one is asked to stop, which it does at its
    next `jobs.progress.stop_if_cancelled`, or when this attempt fails. What it does meanwhile stays if it succeeds.

    DomainError `reason_required`, `transition_not_allowed`.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    if job.state == JobState.RUNNING:
        return _ask_to_stop(job, reason)
    return transition(job, JobState.CANCELLED, field="state", reason=reason, changes={"finished_at": clock.now()})


@transaction.atomic
def _ask_to_stop(job: Job, reason: str) -> Job:
    locked = Job.objects.locked().get(pk=job.pk)
    if locked.state != JobState.RUNNING:
        return cancel_job(locked, reason=reason)
    if locked.cancel_asked_at is None:
        locked.cancel_asked_at = clock.now()
        locked._change_reason = reason
        locked.save(update_fields=["cancel_asked_at", "updated_at"])
        record("job.stop_asked", locked, reason=reason)
    return locked
