"""A client with an enrollment that waits for its fee, and what they and the worker do about it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core.context import acting
from enrollments.models import Enrollment
from organizations.actors import load_actor
from payments.models import FeeWaiver, Payment
from payments.services.checkout import start_checkout
from payments.services.events import receive_event
from payments.services.waivers import request_waiver
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.signed import signed
from tests.work import run_due

URLS = {"success_url": "http://127.0.0.1:9/paid", "cancel_url": "http://127.0.0.1:9/course"}
WORKSHEET = {"household_size": 2, "annual_income_cents": 2_000_000, "state": "CA"}


def acting_as(world: World, name: str) -> Any:
    """The context of one person of the world, through row security."""
    with as_system():
        actor = load_actor(getattr(world, name))
    return acting(actor)


def invited(world: World, letter: str = "a", *, acknowledged: bool = True, spouse: bool = False, **fields: Any) -> Any:
    """An invited enrollment whose disclosures are acknowledged; of the client, or of the spouse."""
    name = "spouse" if spouse else "client"
    with as_system():
        user = getattr(world, f"{name}_user_{letter}")
        enrollment = cases.make_enrollment(getattr(world, f"{name}_{letter}"), **fields)
        if acknowledged:
            cases.make_acknowledgement(enrollment, user)
    return enrollment


def household(world: World, letter: str = "a") -> tuple[Enrollment, Enrollment]:
    """Two spouses, both invited, both with acknowledged disclosures, in one household."""
    both = invited(world, letter), invited(world, letter, spouse=True)
    with as_system():
        cases.make_household(*both)
    return both


def opened(world: World, enrollment: Enrollment, name: str = "client_user_a", **urls: str) -> Payment:
    """The client opens the card page."""
    with acting_as(world, name):
        return start_checkout(Enrollment.objects.get(pk=enrollment.pk), **{**URLS, **urls})


def opened_and_died(world: World, enrollment: Enrollment) -> Payment:
    """The gateway answers, and the process dies before it commits: the payment exists nowhere but there."""
    with acting_as(world, "client_user_a"):
        began = transaction.savepoint()
        payment = start_checkout(Enrollment.objects.get(pk=enrollment.pk), **URLS)
        transaction.savepoint_rollback(began)
    return payment


def asked(world: World, enrollment: Enrollment, name: str = "client_user_a", **facts: Any) -> FeeWaiver:
    """The client asks for a fee waiver."""
    with acting_as(world, name):
        return request_waiver(Enrollment.objects.get(pk=enrollment.pk), **{**WORKSHEET, **facts})


def tell(fake: FakeStripe) -> None:
    """Bring every event of the fake's log to the product, signed, in order, and let the worker apply them."""
    for event in fake.events():
        receive_event(*signed(fake, event))
    run_due("payments.apply_event", "payments.send_refund", "payments.close_pages")


def fresh(row: Any) -> Any:
    """The row as the database has it now, past both nets."""
    with as_system():
        return type(row).objects.get(pk=row.pk)
