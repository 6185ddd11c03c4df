from __future__ import annotations

import datetime as dt
from typing import Self

from django.db.models import Case, F, Q, Value, When

from core import clock
from core.scope import ScopedQuerySet
from jobs.enums import OPEN_STATES, JobState


class JobQuerySet(ScopedQuerySet):
    """Jobs by what can be done with them.

    `claim`, `release`, `finish` and `postpone` are the working path: conditional updates that write no history, because
    every job passes here several times. Parking, re-running and cancelling are decisions and go through `transition`.
    """

    def open(self) -> Self:
        return self.filter(state__in=OPEN_STATES)

    def parked(self) -> Self:
        return self.filter(state=JobState.PARKED)

    def due(self) -> Self:
        """Open, past their time and not leased by a worker that may still be at it."""
        moment = clock.now()
        return self.open().filter(not_before__lte=moment).filter(Q(lease_until=None) | Q(lease_until__lt=moment))

    def due_or_reserved(self, holder: str) -> Self:
        """Due, or set aside for this very process, which has not begun it (empty: for none)."""
        mine = Q(holder=holder) if holder else Q(pk__in=[])
        return self.due() | self.open().filter(mine)

    def about(self, subject_type: str, subject_id: str) -> Self:
        return self.filter(subject_type=subject_type, subject_id=subject_id)

    def held_by(self, worker: str) -> Self:
        """Under a lease of one of this worker's processes."""
        return self.filter(holder__startswith=f"{worker}/", lease_until__gt=clock.now())

    def release(self) -> int:
        """End the leases, so that the jobs are due at once, those that had begun as the last in line; returns how many
        were."""
        last = Case(When(state=JobState.RUNNING, then=Value(clock.now())), default=F("not_before"))
        return self.update(lease_until=None, not_before=last)

    def claim(self, *, most: int, lease: dt.timedelta) -> int:
        """Take what is due and has attempts left, counting this one; returns how many were taken."""
        moment = clock.now()
        return (
            self.due()
            .filter(attempts__lt=most)
            .update(
                state=JobState.RUNNING,
                attempts=F("attempts") + 1,
                max_attempts=most,
                lease_until=moment + lease,
                started_at=moment,
                updated_at=moment,
            )
        )

    def finish(self, result: str) -> int:
        """Mark open jobs done; returns how many were. 0 means somebody decided otherwise meanwhile."""
        moment = clock.now()
        return self.open().update(
            state=JobState.DONE, result=result, last_error="", lease_until=None, finished_at=moment, updated_at=moment
        )

    def postpone(self, *, until: dt.datetime, error: str = "", attempt_counts: bool = True) -> int:
        """Give running jobs back, to be tried again at `until`."""
        return self.filter(state=JobState.RUNNING).update(
            state=JobState.READY,
            not_before=until,
            lease_until=None,
            attempts=F("attempts") - (0 if attempt_counts else 1),
            last_error=error,
            updated_at=clock.now(),
        )
