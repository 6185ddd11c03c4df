"""One probe engine behind every health page: what it looks at, and whether that is well."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Min

from accounts.models import User
from core import clock
from core.context import Actor, Kind, acting
from jobs.models import Job, WorkerHeartbeat

BEAT_LIMIT = dt.timedelta(seconds=120)
QUEUE_LIMIT = dt.timedelta(seconds=300)
DISK_LIMIT = 0.95
BACKUP_LIMIT = dt.timedelta(hours=26)
_LOOKING = Actor(kind=Kind.PLATFORM, label="health page")

Facts = Mapping[str, Any]


def database() -> tuple[bool, Facts]:
    """It answers on a connection that no transaction holds."""
    side = connections["side"]
    for _fresh_after_a_restart in range(2):
        side.ensure_connection()
        if side.is_usable():
            return True, {}
        side.close()
    return False, {}


def sign_in() -> tuple[bool, Facts]:
    """Sessions and accounts can be read."""
    with acting(Actor(kind=Kind.AUTH, label="health page")):
        Session.objects.exists()
        return User.objects.filter(is_active=True).exists(), {}


def worker() -> tuple[bool, Facts]:
    """Some worker proved within two minutes that jobs go the whole way, and no due job waits for five. What is for one
    worker alone is not looked at: one that is gone for good leaves its heartbeats behind."""
    moment = clock.now()
    with acting(_LOOKING):
        beats = list(WorkerHeartbeat.objects.values_list("beat_at", flat=True))
        waiting_since = Job.objects.due().filter(queue="").aggregate(oldest=Min("not_before"))["oldest"]
    last = moment - max(beats) if beats else None
    waiting = moment - waiting_since if waiting_since else dt.timedelta()
    is_well = last is not None and last <= BEAT_LIMIT and waiting <= QUEUE_LIMIT
    return is_well, {"last_beat_seconds": _seconds(last), "oldest_job_seconds": _seconds(waiting)}


def disk() -> tuple[bool, Facts]:
    """The disk of the private files is less than 95 % full."""
    place = Path(str(settings.PRIVATE_FILES["location"]))
    usage = shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists()))
    share = usage.used / usage.total
    return share < DISK_LIMIT, {"used_percent": round(share * 100)}


def backup() -> tuple[bool, Facts]:
    """The newest backup that was checked and found good is at most 26 hours old. Without BACKUP_DIR nothing is said."""
    if settings.BACKUP_DIR is None:
        return True, {"configured": False}
    try:
        status = json.loads((settings.BACKUP_DIR / "status.json").read_text(encoding="utf-8"))
        age = clock.now() - dt.datetime.fromisoformat(status["newest_good"])
    except (OSError, ValueError, KeyError, TypeError):
        return False, {"configured": True, "age_seconds": None}
    return age <= BACKUP_LIMIT, {"configured": True, "age_seconds": _seconds(age)}


PROBES: Mapping[str, Callable[[], tuple[bool, Facts]]] = {
    "db": database,
    "auth": sign_in,
    "worker": worker,
    "disk": disk,
    "backup": backup,
}


def look(name: str) -> tuple[bool, Facts]:
    """Run one probe; what cannot be looked at is not well."""
    try:
        return PROBES[name]()
    except (DatabaseError, OSError):
        return False, {"reachable": False}


def _seconds(span: dt.timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
