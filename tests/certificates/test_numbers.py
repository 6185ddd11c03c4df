"""Official numbers: recorded once, drawn once, in order, and never invented."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections

from certificates.enums import NumberStatus
from certificates.models import CgsNumber
from certificates.queries import pool_levels, waiting_for_number
from certificates.services.issuing import issue_certificate
from certificates.services.numbers import add_number, void_number
from core.context import acting, current_actor, system_actor
from jobs.models import Job
from organizations.models import ProviderProfile
from tests.certificates.acts import acting_as, completed, fresh, official, refused
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db


def add(world: World, serial: int, **fields: Any) -> CgsNumber:
    with acting_as(world.provider_admin_a):
        text = f"01234-CAC-DE-{serial:09d}"
        return add_number(world.provider_a, text, **{"kind": "DE", "court_id": "cacb"} | fields)


def test_numbers_are_drawn_in_order_and_marked_used_by_the_enrollment(world: World) -> None:
    official(world)
    later, sooner = add(world, 8), add(world, 7)
    first, second = completed(world), completed(world)

    with as_system():
        drawn = [issue_certificate(first).number, issue_certificate(second).number]

    assert drawn == [sooner.number, later.number]
    used = fresh(sooner)
    assert (used.status, used.enrollment_id) == (NumberStatus.USED, first.pk)


def test_a_number_reserved_for_an_enrollment_comes_first_and_for_nobody_else(world: World) -> None:
    official(world)
    mine, other = completed(world), completed(world)
    add(world, 9, enrollment=mine)

    with as_system(), refused("cgs_number_missing"):
        issue_certificate(other)
    add(world, 3)
    with as_system():
        assert issue_certificate(mine).number == "01234-CAC-DE-000000009"
        assert issue_certificate(other).number == "01234-CAC-DE-000000003"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", "cgs_number_invalid"),
        ("00000-CAC-DE-000000001", "cgs_number_simulated"),
        ("01234-CAC-CC-000000001", "cgs_number_wrong_kind"),
        ("01234-NYE-DE-000000001", "cgs_number_wrong_district"),
        ("09999-CAC-DE-000000001", "cgs_number_wrong_agency"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(world: World, text: str, code: str) -> None:
    with as_system():
        ProviderProfile.objects.filter(organization=world.provider_a).update(agency_number="01234")
    with acting_as(world.provider_admin_a), refused(code):
        add_number(world.provider_a, text, kind="DE", court_id="cacb")


def test_a_number_is_recorded_once_however_it_is_typed(world: World) -> None:
    add(world, 7)
    with acting_as(world.provider_admin_a), refused("cgs_number_taken"):
        add_number(world.provider_a, " 01234–cac–de–000000007 ", kind="DE", court_id="cacb")


def test_a_number_is_reserved_only_where_it_fits(world: World) -> None:
    with refused("cgs_number_other_enrollment"):
        add(world, 7, enrollment=world.review_a)


def test_a_void_number_is_out_of_the_pool(world: World) -> None:
    official(world)
    number = add(world, 7)
    with acting_as(world.provider_admin_a):
        void_number(number, reason="Spoiled in the government's system.")
    enrollment = completed(world)
    with as_system(), refused("cgs_number_missing"):
        issue_certificate(enrollment)


def test_recording_numbers_lets_the_issuer_look_at_once_and_only_once_a_minute(world: World) -> None:
    for serial in range(3):
        add(world, serial)
    with as_system():
        looks = Job.objects.filter(kind="certificates.issue_due", organization=world.provider_a).count()
    assert looks in (1, 2)


def test_the_pools_show_what_is_left_and_what_waits(world: World) -> None:
    official(world)
    waiting = [completed(world), world.completed_a]
    add(world, 7)
    add(world, 1, kind="DE")

    with acting_as(world.provider_admin_a):
        levels = pool_levels(current_actor())
        assert not waiting_for_number(current_actor()).exists()
    found = {(level.kind, level.court_id): (level.available, level.waiting, level.is_short) for level in levels}
    assert found == {("DE", "cacb"): (2, 2, False), ("CC", "cacb"): (1, 0, False)}

    with as_system():
        for enrollment in waiting:
            issue_certificate(enrollment)
    last = completed(world)
    with acting_as(world.provider_admin_a):
        assert list(waiting_for_number(current_actor())) == [last]
        assert [level.is_short for level in pool_levels(current_actor())] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_draw_the_same_number(world: World) -> None:
    official(world)
    numbers = [add(world, serial).number for serial in range(1, 7)]
    enrollments = [completed(world) for _ in numbers]
    drawn: list[str] = []

    def issue(enrollment: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE app_worker")
            with acting(system_actor("test")):
                drawn.append(issue_certificate(enrollment).number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=issue, args=(enrollment,)) for enrollment in enrollments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(drawn) == numbers
