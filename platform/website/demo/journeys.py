"""Clients on their way, each as far as the file says."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zlib import crc32

from django.db import transaction

from core.context import ANONYMOUS, acting
from courses.services import submit_for_review
from enrollments.enums import FilingMode, RequestStatus
from enrollments.models import Client, Enrollment, EnrollmentRequest
from enrollments.services.acknowledgements import acknowledge_disclosures
from enrollments.services.details import save_details
from enrollments.services.invitations import claim_clients, invite_client
from enrollments.services.opening import create_enrollment
from enrollments.services.requests import convert_and_invite, move_request, submit_request
from enrollments.services.supervision import cancel_enrollment
from enrollments.values import Case, Person
from organizations.services.invitations import accept_invitation
from payments.services.waivers import decide_waiver, request_waiver
from website.demo import certification, money
from website.demo.journey import Journey
from website.demo.organizations import Cast, days_before
from website.demo.past_payments import pay_before
from website.demo.script import read
from website.demo.stage import SYSTEM, signing_in, step
from website.demo.study import take_course

Opened = tuple[list[Enrollment], dt.datetime]
WHOLE_COURSE = {"CC": 62 * 60, "DE": 124 * 60}


def play_all(cast: Cast, now: dt.datetime) -> int:
    """Send everybody on their way who is not on it yet; returns how many were new."""
    fresh = [facts for facts in read("clients") if not _is_there(facts)]
    for facts in fresh:
        with transaction.atomic():
            _play(cast, facts, now)
    return len(fresh)


def _is_there(facts: dict[str, Any]) -> bool:
    address = facts["email"]
    return Client.objects.filter(email=address).exists() or EnrollmentRequest.objects.filter(email=address).exists()


def _play(cast: Cast, facts: dict[str, Any], now: dt.datetime) -> None:
    asked = days_before(now, facts["days_ago"])
    if "firm" in facts or "spouse" in facts:
        opened, invited = _open_by_staff(cast, facts, asked, now)
    else:
        opened, invited = _ask_and_answer(cast, facts, asked, now)
    for enrollment, person in zip(opened, (facts, facts.get("spouse")), strict=False):
        merged = facts | (person or {})
        _travel(Journey(cast, merged, now, enrollment, invited))


def _case(facts: dict[str, Any], now: dt.datetime) -> Case:
    meeting = facts.get("meeting_in_days")
    deadline = facts.get("explicit_deadline_in_days")
    return Case(
        facts["kind"],
        facts["court_id"],
        facts.get("chapter", ""),
        facts.get("case_number", ""),
        (now + dt.timedelta(days=meeting)).date() if meeting is not None else None,
        (now + dt.timedelta(days=deadline)).date() if deadline is not None else None,
    )


def _home(email: str) -> str:
    """Where a demo person writes from: an address of their own in a block that is kept for documentation."""
    return f"192.0.2.{crc32(email.encode()) % 254 + 1}"


def _ask_and_answer(cast: Cast, facts: dict[str, Any], asked: dt.datetime, now: dt.datetime) -> Opened:
    """A stranger asks on the provider's page; the provider converts the request and invites."""
    provider, case = cast.places[facts["provider"]], _case(facts, now)
    data = {name: facts[name] for name in ("first_name", "last_name", "email", "phone", "kind", "court_id", "language")}
    data |= {
        "mode": FilingMode.INDIVIDUAL,
        "chapter": case.chapter,
        "case_number": case.case_number,
        "first_set_341_date": case.first_set_341_date,
        "de_filing_deadline": case.de_filing_deadline,
    }
    with step(asked, ANONYMOUS):
        made = submit_request(provider, data, ip=_home(facts["email"]), page=f"/{provider.slug}/enroll")
    request = EnrollmentRequest.objects.get(pk=made.pk)
    journey = Journey(cast, facts, now, Enrollment(), asked)
    if facts.get("reviewing"):
        with step(journey.wait_for_office(3), journey.admin):
            move_request(request, RequestStatus.REVIEWING)
    if facts["reached"] == "requested":
        return [], asked
    with step(journey.wait_for_office(1), journey.admin):
        return convert_and_invite(request), journey.clock


def _open_by_staff(cast: Cast, facts: dict[str, Any], asked: dt.datetime, now: dt.datetime) -> Opened:
    """The law firm enrolls its client, or the provider a couple."""
    provider, firm = cast.places[facts["provider"]], cast.places.get(facts.get("firm", ""))
    who = cast.people["adaeze"] if firm is not None else cast.people["elena"]
    spouse = facts.get("spouse")
    with step(asked, who):
        opened = create_enrollment(
            provider,
            _person(facts),
            _case(facts, now),
            firm=firm,
            spouse=_person(spouse) if spouse else None,
            language=facts["language"],
        )
        for enrollment in opened:
            invite_client(enrollment)
    return opened, asked


def _person(facts: dict[str, Any]) -> Person:
    born = facts.get("birth_date")
    return Person(
        facts["first_name"],
        facts["last_name"],
        facts["email"],
        facts["phone"],
        dt.date.fromisoformat(born) if born else None,
        facts.get("ssn_last4", ""),
    )


def _travel(journey: Journey) -> None:
    for station, take in (
        ("signed_up", _sign_up),
        ("acknowledged", _acknowledge),
        ("details", _tell_details),
        ("paid", _settle_fee),
        ("studying", _study),
        ("review", _hand_in),
        ("completed", certification.complete),
        ("issued", certification.after_issue),
        ("filed", certification.file),
    ):
        if journey.goes_to(station):
            take(journey)
        elif station == "paid" and "waiver" in journey.facts and journey.goes_to("details"):
            _ask_waiver(journey)
    money.tell(journey)
    if "cancelled" in journey.facts:
        with step(journey.wait_for_office(20), journey.admin):
            cancel_enrollment(journey.fresh(), reason=journey.facts["cancelled"])


def _sign_up(journey: Journey) -> None:
    moment = journey.wait(3)
    invitation = journey.fresh().client.invitation
    user = journey.cast.make_user(journey.facts, moment)
    if invitation is None:
        return
    with step(moment, SYSTEM), acting(signing_in(user)):
        accept_invitation(invitation, user)
        claim_clients(user, invitation)


def _acknowledge(journey: Journey) -> None:
    user = journey.user
    with step(journey.wait(0.1), user):
        home = _home(journey.facts["email"])
        acknowledge_disclosures(journey.enrollment, user, language=journey.facts["language"], ip=home)


def _tell_details(journey: Journey) -> None:
    wanted = ("first_name", "last_name", "birth_date", "ssn_last4", "phone", "chapter", "case_number")
    with step(journey.wait(0.1), journey.user):
        save_details(journey.enrollment, {name: journey.facts[name] for name in wanted if name in journey.facts})


def _ask_waiver(journey: Journey) -> None:
    worksheet = {name: value for name, value in journey.facts["waiver"].items() if name != "granted"}
    with step(journey.wait(0.2), journey.user):
        waiver = request_waiver(journey.enrollment, **worksheet)
    if journey.facts["waiver"].get("granted"):
        with step(journey.wait_for_office(4), journey.admin):
            decide_waiver(waiver, grant=True, note="Income below the guideline.")


def _settle_fee(journey: Journey) -> None:
    if "waiver" in journey.facts:
        _ask_waiver(journey)
    elif not journey.fresh().payments.exists():
        with step(journey.wait_for_office(0.2), journey.admin):
            pay_before(journey.enrollment, money.source_of(journey))


def _study(journey: Journey) -> None:
    facts = journey.facts
    seconds = facts.get("seconds") or 60 * facts.get("minutes", 0) or WHOLE_COURSE[facts["kind"]]
    lessons = facts.get("lessons", "all")
    handed_in = journey.goes_to("review")
    with step(journey.wait(20), journey.user):
        journey.clock = take_course(
            journey.enrollment,
            journey.user,
            journey.clock,
            seconds=seconds,
            lessons=None if lessons == "all" else lessons,
            test=facts.get("test", "passed" if handed_in else ""),
        )


def _hand_in(journey: Journey) -> None:
    with step(journey.wait(0.05), journey.user):
        submit_for_review(journey.enrollment)
