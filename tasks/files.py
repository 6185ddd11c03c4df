"""Let private files go when their time is over."""

from __future__ import annotations

from files.services import purge_expired, purge_orphans
from jobs.models import Job
from tasks.registry import task


@task("files.purge", timeout=80)
def purge(_: Job) -> str:
    """Delete expired files, staged uploads nobody confirmed, and contents without a row."""
    gone, uploads = purge_expired()
    orphans = purge_orphans()
    return f"Deleted {gone} expired files, {uploads} staged uploads, {orphans} contents without a row."
