"""Where a client stands in the story, and when the next thing happens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from enrollments.models import Enrollment
from website.demo.organizations import Cast

STATIONS = (
    "requested", "invited", "signed_up", "acknowledged", "details", "paid", "studying", "review", "completed",
    "issued", "filed",
)  # fmt: skip
OFFICE = ZoneInfo("America/Los_Angeles")


def hours(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


@dataclass(slots=True)
class Journey:
    """One client's way; every step happens a while after the one before it."""

    cast: Cast
    facts: dict[str, Any]
    now: dt.datetime
    enrollment: Enrollment
    clock: dt.datetime

    def goes_to(self, station: str) -> bool:
        return STATIONS.index(self.facts["reached"]) >= STATIONS.index(station)

    def wait(self, number: float) -> dt.datetime:
        """`number` hours later, but never in the future: short journeys take the last hours."""
        self.clock = min(self.clock + hours(number), self.now - dt.timedelta(minutes=1))
        return self.clock

    def wait_for_office(self, number: float) -> dt.datetime:
        """The same for staff: in the next office hours, Monday to Friday, unless they are still to come."""
        moment = self.wait(number).astimezone(OFFICE)
        while moment.weekday() > 4 or not 8 <= moment.hour < 18:
            moment += hours(1)
        if moment < self.now:
            self.clock = moment.astimezone(dt.UTC)
        return self.clock

    @property
    def admin(self) -> User:
        return self.cast.people["elena" if self.facts["provider"] == "clearwater" else "joaquin"]

    @property
    def counselor(self) -> User:
        return self.cast.people[self.facts.get("counselor", "marcus")]

    @property
    def user(self) -> User:
        """The client's log-in. LookupError before they signed up."""
        user = self.fresh().client.user
        if user is None:
            raise LookupError(f"{self.facts['email']} has not signed up.")
        return user

    def fresh(self) -> Enrollment:
        self.enrollment = Enrollment.objects.with_people().get(pk=self.enrollment.pk)
        return self.enrollment
