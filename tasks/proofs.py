"""Prove the books every night, and mend what a person asked to mend."""

from __future__ import annotations

from core.errors import DomainError
from jobs.models import Job
from proofs.models import ProofDifference
from proofs.services import mending, proving
from tasks.registry import TaskFailed, task


@task(proving.PROVE, timeout=80, max_attempts=5, backoff=(60_000, 3))
def prove(_job: Job) -> str:
    """Compare our books with the gateway's."""
    run = proving.prove()
    return f"{run.compared} rows compared, {run.found} new differences, {run.unexplained} unexplained."


@task(mending.MEND, timeout=75, max_attempts=5, backoff=(5_000, 3))
def mend(job: Job) -> str:
    """Mend one difference."""
    try:
        difference = mending.mend(ProofDifference.objects.get(pk=job.subject_id))
    except DomainError as refusal:
        raise TaskFailed(f"{refusal.code}: {refusal}", final=True) from refusal
    return f"The difference is {difference.status}."
