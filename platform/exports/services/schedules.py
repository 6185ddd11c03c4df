"""Exports that repeat, slot by slot."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from audit.services import record
from core import clock
from core.context import Actor
from core.errors import DomainError
from core.transitions import transition
from exports.enums import Frequency, ScheduleStatus
from exports.models import ExportRun, ScheduledExport
from exports.services.runs import Wanted, request_run, sole_home
from notifications.services import notify
from organizations.actors import load_actor
from organizations.backends import allows

MOST_SCHEDULED = 20


def schedule_export(
    user: User, actor: Actor, wanted: Wanted, *, frequency: str, hour: int, time_zone: str, weekday: int = 0,
    month_day: int = 1,
) -> ScheduledExport:  # fmt: skip
    """Send an export's link to its owner regularly, from the next slot on. `weekday` 0 is Monday and counts for weekly
    exports, `month_day` (1 to 28) for monthly ones; `hour` is that of `time_zone`. DomainError
    `too_many_scheduled_exports`."""
    mine = ScheduledExport.objects.filter(person=user).exclude(status=ScheduleStatus.ENDED)
    if mine.count() >= MOST_SCHEDULED:
        raise DomainError("too_many_scheduled_exports", limit=MOST_SCHEDULED)
    reach, everywhere = sole_home(actor, wanted.permission)
    schedule = ScheduledExport(
        person=user,
        organization_id=reach[0] if len(reach) == 1 and not everywhere else None,
        resource=wanted.resource,
        query=wanted.query,
        columns=list(wanted.columns),
        format=wanted.format,
        frequency=frequency,
        weekday=weekday,
        month_day=month_day,
        hour=hour,
        time_zone=time_zone,
    )
    schedule.next_at = next_slot(schedule, clock.now())
    schedule.save(force_insert=True)
    record("scheduledexport.made", schedule, payload={"resource": schedule.resource, "frequency": frequency})
    return schedule


def next_slot(schedule: ScheduledExport, after: dt.datetime) -> dt.datetime:
    """The first slot strictly after `after`. An hour the clocks skip falls on the next one that exists."""
    zone = ZoneInfo(schedule.time_zone)
    day = after.astimezone(zone).date()
    if schedule.frequency == Frequency.WEEK:
        day += dt.timedelta(days=(schedule.weekday - day.weekday()) % 7)
    elif schedule.frequency == Frequency.MONTH:
        day = day.replace(day=schedule.month_day)
    step = {
        Frequency.DAY: relativedelta(days=1), Frequency.WEEK: relativedelta(weeks=1),
        Frequency.MONTH: relativedelta(months=1),
    }[Frequency(schedule.frequency)]  # fmt: skip
    while True:
        slot = dt.datetime.combine(day, dt.time(schedule.hour), zone).astimezone(clock.UTC)
        if slot > after:
            return slot
        day += step


def run_due(permission_of: dict[str, str], *, most: int = 200) -> tuple[int, int]:
    """Start every scheduled export whose slot has come, in system context; returns how many started and how many
    stopped because their owner lost the right.

    `permission_of` names the right each resource needs. Slots missed while nothing ran count once. A slot has at most
    one run, whoever asks and how often.
    """
    started = stopped = 0
    now = clock.now()
    due = ScheduledExport.objects.filter(status=ScheduleStatus.ACTIVE, next_at__lte=now).order_by("next_at")
    for pk in list(due.values_list("pk", flat=True)[:most]):
        with transaction.atomic():
            schedule = ScheduledExport.objects.locked().select_related("person").get(pk=pk)
            if schedule.status != ScheduleStatus.ACTIVE or schedule.next_at > now:
                continue
            if _start(schedule, permission_of.get(schedule.resource, ""), now):
                started += 1
            else:
                stopped += 1
    return started, stopped


def _start(schedule: ScheduledExport, permission: str, now: dt.datetime) -> bool:
    actor = load_actor(schedule.person)
    if not (permission and schedule.person.is_active and allows(actor, permission)):
        stop_schedule(schedule, "export_not_yours")
        return False
    wanted = Wanted(schedule.resource, permission, schedule.query, schedule.columns, schedule.format)
    slot, schedule.next_at = schedule.next_at, next_slot(schedule, now)
    if not ExportRun.objects.filter(schedule=schedule, slot=slot).exists():
        request_run(schedule.person, actor, wanted, schedule=schedule, slot=slot)
    schedule.save(update_fields=["next_at", "updated_at"])
    return True


def stop_schedule(schedule: ScheduledExport, code: str) -> ScheduledExport:
    """Stop an export whose owner lost the right, or whose filters mean nothing any more, and tell them by mail."""
    stopped = transition(schedule, ScheduleStatus.STOPPED, changes={"stopped_because": code}, payload={"code": code})
    notify(
        "export.stopped",
        to=schedule.person.email,
        language=schedule.person.language,
        context={
            "link": settings.SITE_URL.rstrip("/") + reverse("admin:exports_scheduledexport_change", args=[schedule.pk]),
            "name": schedule.person.get_short_name(),
            "why": DomainError(code),
        },
        dedupe_key=f"scheduled-export:{schedule.pk}:stopped:{clock.now():%Y%m%dT%H%M%S%f}",
        organization=schedule.organization_id,
        person=schedule.person_id,
        about=schedule,
    )
    return stopped


def pause_schedule(schedule: ScheduledExport) -> ScheduledExport:
    """Send nothing until it is resumed. DomainError `transition_not_allowed`."""
    return transition(schedule, ScheduleStatus.PAUSED)


def resume_schedule(schedule: ScheduledExport) -> ScheduledExport:
    """Go on with the next slot from now. DomainError `transition_not_allowed`."""
    changes = {"next_at": next_slot(schedule, clock.now()), "stopped_because": ""}
    return transition(schedule, ScheduleStatus.ACTIVE, changes=changes)


def end_schedule(schedule: ScheduledExport) -> ScheduledExport:
    """Delete it: it never runs again, its record stays. DomainError `transition_not_allowed`."""
    return transition(schedule, ScheduleStatus.ENDED)
