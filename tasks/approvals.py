"""Mails about requests for approval, and the end of those that nobody decided."""

from __future__ import annotations

from approvals.models import ApprovalRequest
from approvals.services import notices, requests
from jobs.models import Job
from tasks.registry import task


@task(requests.TELL_DECIDERS, max_attempts=5, backoff=(5_000, 3))
def tell_deciders(job: Job) -> str:
    """Mail everybody who may decide about one request."""
    told = notices.tell_deciders(ApprovalRequest.objects.get(pk=job.subject_id))
    return f"{told} people were asked."


@task(requests.TELL_REQUESTER, max_attempts=5, backoff=(5_000, 3))
def tell_requester(job: Job) -> str:
    """Mail the outcome to who asked."""
    notices.tell_requester(ApprovalRequest.objects.get(pk=job.subject_id))
    return "Told."


@task("approvals.expire", max_attempts=3)
def expire(_job: Job) -> str:
    """Close what nobody decided in time. Runs by schedule."""
    return f"{requests.expire_overdue()} requests expired."
