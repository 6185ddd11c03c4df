"""Keep one worker working: start its cluster, feed it, watch that work really gets done, replace it when not.

The cluster is a child process (`manage.py cluster`) in a session of its own, so that a Ctrl-C reaches only us. It is
stopped by a signal to its leader alone: told as a group, its processes would wait for each other for ever. Everything
else happens in one loop here: heartbeats, schedules, the sweep for jobs that a killed process held. None of it needs to
be the only one of its kind; any number of workers may run on one database.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from audit.models import Level
from audit.services import note
from core import clock
from core.context import acting, system_actor
from jobs.line import free_what_the_dead_held
from jobs.models import WorkerHeartbeat
from jobs.queue import cluster_name
from jobs.services import enqueue
from tasks.cluster import die_with_parent
from tasks.jobs import BEAT
from tasks.schedules import Scheduler
from tasks.vitals import watch

log = structlog.get_logger("certaos.worker")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between looks, and how long things may take: `stale` from one heartbeat to the next, `first` from the
    start of a cluster to its first."""

    tick: float = 1
    beat: float = 10
    sweep: float = 2
    watch: float = 5
    vitals: float = 15
    settling: float = 60
    stale: float = 40
    first: float = 90
    stop: float = 15
    longest_pause: float = 30


class Stopped(BaseException):
    """Somebody asked the worker to stop. Not an Exception: nothing on the way may take it for a failure."""


@dataclass
class Supervisor:
    """One worker. `command` starts its cluster; `name` is its own among all workers of the installation."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    rhythm: Rhythm = field(default_factory=Rhythm)
    scheduler: Scheduler = field(default_factory=Scheduler)

    def __post_init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = clock.now()
        # A worker that just came may make good for what was missed before it calls anything down.
        self._next: dict[str, float] = {"vitals": time.monotonic() + self.rhythm.settling}
        self._deaths = 0
        self._busy = 0
        # Silence before `_excused_at` proves nothing.
        self._excused_at = self._watched_at = self._started_at

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then stop within seconds. In the main thread of its process only."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _stop_asked)
        try:
            self._start()
            while True:
                self._look()
                time.sleep(self.rhythm.tick)
        except Stopped:
            log.info("worker stopping", worker=self.name)
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._stop()
            self._sign_off()

    def _sign_off(self) -> None:
        """Leave no heartbeat behind: who stopped in an orderly way is not missed."""
        with suppress(DatabaseError), acting(system_actor("worker")):
            WorkerHeartbeat.objects.filter(worker=self.name).delete()

    def _look(self) -> None:
        """One round. A database that does not answer is waited for; the cluster waits as well."""
        if self._child is not None and self._child.poll() is not None:
            self._replace("its cluster ended", code=self._child.returncode)
        try:
            self._every("beat", self.rhythm.beat, self._ask_for_beat)
            self._every("schedules", self.rhythm.tick, self.scheduler.fire_due)
            self._every("sweep", self.rhythm.sweep, self._sweep)
            self._every("watch", self.rhythm.watch, self._watch)
            self._every("vitals", self.rhythm.vitals, self._vitals)
        except DatabaseError as error:
            log.warning("worker waits for the database", error=type(error).__name__)
            connections.close_all()

    def _every(self, what: str, seconds: float, act: Callable[[], object]) -> None:
        now = time.monotonic()
        if now >= self._next.get(what, 0):
            act()
            self._next[what] = now + seconds

    def _ask_for_beat(self) -> None:
        """Ask for a heartbeat through this worker's own queue, so that no other worker can answer for it."""
        params = {"worker": self.name, "started_at": self._started_at.isoformat()}
        with acting(system_actor("heartbeat")):
            key = f"beat:{self.name}:{clock.now():%Y%m%dT%H%M%S%f}"
            enqueue(BEAT, dedupe_key=key, params=params, queue=self.name)

    def _sweep(self) -> None:
        """Let go at once of what a killed process held, however long its task may take."""
        freed, self._busy = free_what_the_dead_held(self.name, self._is_ours)
        if freed:
            log.warning("worker frees jobs of a dead process", worker=self.name, count=freed)

    def _is_ours(self, pid: int) -> bool:
        """Whether this is a living process of the present cluster, whose leader leads their session."""
        try:
            return self._child is not None and os.getsid(pid) == self._child.pid
        except ProcessLookupError:
            return False

    def _watch(self) -> None:
        """Replace a cluster that has finished no heartbeat for too long. Time does not count in which each of its
        processes was at work on a job within that job's own time limit, nor time in which this process could not look
        or ask: while the database was away, or the machine asleep."""
        clock.follow_database()
        was_away = self._seconds_since(self._watched_at) > self.rhythm.stale / 2
        self._watched_at = clock.now()
        if was_away or self._busy >= int(str(settings.Q_CLUSTER["workers"])):
            self._excused_at = self._watched_at
        with acting(system_actor("watchdog")):
            beat_at = WorkerHeartbeat.objects.filter(worker=self.name).values_list("beat_at", flat=True).first()
        if beat_at is None or beat_at < self._started_at:
            since, limit = self._started_at, self.rhythm.first
        else:
            since, limit = beat_at, self.rhythm.stale
        silent = self._seconds_since(max(since, self._excused_at))
        if silent > limit:
            self._replace("it finished no heartbeat", seconds=int(silent))

    @staticmethod
    def _seconds_since(moment: dt.datetime) -> float:
        return (clock.now() - moment).total_seconds()

    def _vitals(self) -> None:
        with acting(system_actor("vitals")):
            changed = watch()
        if changed:
            log.warning("worker sees a change", worker=self.name, watched=changed)

    def _replace(self, why: str, **detail: int) -> None:
        log.error("worker replaces its cluster", worker=self.name, why=why, **detail)
        self._stop()
        try:
            with acting(system_actor("watchdog")):
                note("jobs", f"The cluster of worker {self.name} was replaced: {why}.", level=Level.ERROR, **detail)
        except DatabaseError:
            connections.close_all()
        self._pause()
        self._start()

    def _pause(self) -> None:
        """Before a new start: longer each time, when clusters die as soon as they live."""
        self._deaths = 0 if self._seconds_since(self._started_at) > self.rhythm.longest_pause else self._deaths + 1
        time.sleep(min(self.rhythm.tick * 2**self._deaths, self.rhythm.longest_pause))

    def _start(self) -> None:
        connections.close_all()
        self._child = subprocess.Popen(
            list(self.command),
            env={**os.environ, **self.environment, "Q_CLUSTER_NAME": cluster_name(self.name)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- this program has one thread
        )
        self._started_at = self._excused_at = self._watched_at = clock.now()
        self._next.pop("beat", None)
        log.info("worker started its cluster", worker=self.name, pid=self._child.pid)

    def _stop(self) -> None:
        """Stop the cluster in an orderly way; what does not stop in time, or hangs, is killed with all it started."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(timeout=self.rhythm.stop)
        except subprocess.TimeoutExpired:
            log.warning("worker kills its cluster", worker=self.name)
        _kill_session(self._child.pid)
        self._child.wait()
        self._child = None


def _kill_session(leader: int) -> None:
    """Kill what is left of the cluster; its leader started a session, so the group is its own."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _stop_asked(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
