"""Ask for exports as a person, and look at what became of them."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from core.context import acting
from exports.models import ExportRun, ScheduledExport
from exports.services.runs import Wanted, request_run
from exports.services.schedules import schedule_export
from organizations.actors import load_actor
from tests.database import as_system
from tests.work import run_due

PAYMENTS = Wanted("payments", "payments.export_payment")


def asked(user: User, wanted: Wanted = PAYMENTS, **options: Any) -> ExportRun:
    """The person asks for an export in the background."""
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        return request_run(user, actor, wanted, **options)


def scheduled(user: User, wanted: Wanted = PAYMENTS, **options: Any) -> ScheduledExport:
    """The person asks for an export that repeats."""
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        timing = {"frequency": "week", "hour": 7, "time_zone": "America/New_York"}
        return schedule_export(user, actor, wanted, **timing | options)


def written(run: ExportRun) -> ExportRun:
    """The worker writes what is under way; the run as it is then."""
    run_due("exports.run")
    with as_system():
        return ExportRun.objects.select_related("file").get(pk=run.pk)
