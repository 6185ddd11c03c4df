"""The platform's staff, the providers with their approvals, and the law firm."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from dateutil.relativedelta import relativedelta
from django.contrib.auth.hashers import make_password

from accounts.models import User
from certificates.services.numbers import add_number
from core import clock
from core.context import ANONYMOUS, acting
from organizations.enums import InvitedRole
from organizations.models import FirmProfile, Organization, ProviderProfile
from organizations.services.invitations import accept_invitation, invite
from organizations.services.memberships import set_platform_role
from providers.models import ProviderApplication
from providers.services.applications import create_provider, start_review, submit_application
from providers.services.approvals import PROBATION, TERM, add_district_approval
from providers.services.standing import approve_and_activate
from website.demo.script import password, read
from website.demo.stage import SYSTEM, signing_in, step

PART_OF_A_DAY = dt.timedelta(hours=2)
# What the government's system would have given to a provider that does not simulate its numbers.
OFFICIAL_NUMBERS = ("02977-TXS-CC-000004101", "02977-TXS-CC-000004102", "02977-TXS-CC-000004103")


@dataclass(slots=True)
class Cast:
    """Everybody and every organization of the demo, by the keys of the files."""

    people: dict[str, User] = field(default_factory=dict)
    places: dict[str, Organization] = field(default_factory=dict)
    secret: str = ""

    @property
    def platform_admin(self) -> User:
        return self.people["margaret"]

    def make_user(self, person: dict[str, Any], joined: dt.datetime) -> User:
        """The person with a proved address and the demo's password; the one that is there already, if any."""
        present = User.objects.filter(email__iexact=person["email"]).first()
        if present is not None:
            return present
        self.secret = self.secret or make_password(password())
        with clock.held_at(joined):
            user = User.objects.create(
                email=person["email"],
                username=person["email"],
                password=self.secret,
                first_name=person["first_name"],
                last_name=person["last_name"],
                language=person.get("language", "en"),
                date_joined=joined,
            )
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        if "code_app" in person:
            TOTP.activate(user, person["code_app"])
        return user


def days_before(now: dt.datetime, days: float) -> dt.datetime:
    return now - dt.timedelta(days=days)


def gather(now: dt.datetime) -> Cast:
    """Make what is missing of the platform's staff and the organizations; returns all of them."""
    cast = Cast()
    for person in read("people")["platform"]:
        joined = days_before(now, 450)
        user = cast.people[person["key"]] = cast.make_user(person, joined)
        with step(joined, SYSTEM):
            set_platform_role(user, person["role"], reason="demo data")
    organizations = read("organizations")
    for entry in organizations["providers"]:
        cast.places[entry["key"]] = _provider(cast, entry, now)
    for entry in organizations["firms"]:
        cast.places[entry["key"]] = _firm(cast, entry, now)
    for entry in organizations["waiting_providers"]:
        _waiting_provider(cast, entry, now)
    return cast


def _apply(entry: dict[str, Any], moment: dt.datetime) -> ProviderApplication | None:
    """The application of a stranger; None when it was made before."""
    name = entry["application"]["organization_name"]
    if ProviderApplication.objects.filter(organization_name=name).exists():
        return None
    with step(moment, ANONYMOUS):
        made = submit_application(entry["application"], ip="192.0.2.10")
    return ProviderApplication.objects.get(pk=made.pk)


def _provider(cast: Cast, entry: dict[str, Any], now: dt.datetime) -> Organization:
    applied = days_before(now, entry["applied_days_ago"])
    application = _apply(entry, applied)
    if application is not None:
        _found_provider(cast, entry, application, applied, now)
    name = entry["application"]["organization_name"]
    provider = Organization.objects.get(application__organization_name=name)
    _hire(cast, entry["staff"], provider, applied + dt.timedelta(days=8))
    return provider


def _found_provider(
    cast: Cast, entry: dict[str, Any], application: ProviderApplication, applied: dt.datetime, now: dt.datetime
) -> None:
    decided = applied + dt.timedelta(days=5)
    with step(decided, cast.platform_admin):
        provider = create_provider(application)
        profile = ProviderProfile.objects.locked().get(organization=provider)
        for name, value in entry["profile"].items():
            setattr(profile, name, value)
        profile.save()
        for kind in entry["application"]["kinds"]:
            for court_id in entry["application"]["court_ids"]:
                _approvals(provider, court_id, kind, decided.date(), now.date())
        approve_and_activate(provider)
    if not profile.simulates_numbers:
        with step(now - PART_OF_A_DAY, SYSTEM):
            for number in OFFICIAL_NUMBERS:
                add_number(provider, number, kind="CC", court_id="txsb", batch="September")


def _approvals(provider: Organization, court_id: str, kind: str, first: dt.date, today: dt.date) -> None:
    """A probationary approval of six months, then years, until one holds today (28 CFR 58.14, 58.27)."""
    begins, term, number = first, PROBATION, 1
    while begins <= today:
        ends = begins + term - relativedelta(days=1)
        reference = f"{'DE' if kind == 'DE' else 'CC'}-{court_id.upper()}-{begins:%Y}-{number:02}"
        add_district_approval(provider, court_id, kind, valid_from=begins, valid_to=ends, reference=reference)
        begins, term, number = ends + relativedelta(days=1), TERM, number + 1


def _firm(cast: Cast, entry: dict[str, Any], now: dt.datetime) -> Organization:
    founded = days_before(now, entry["founded_days_ago"])
    firm = Organization.objects.filter(slug=entry["slug"]).first()
    if firm is None:
        facts = {name: entry[name] for name in ("name", "slug", "email", "phone")}
        with step(founded, cast.platform_admin):
            firm = Organization.objects.create(**facts, is_firm=True)
            FirmProfile.objects.create(organization=firm, **entry["profile"])
    _hire(cast, entry["staff"], firm, founded + dt.timedelta(days=1))
    return firm


def _hire(cast: Cast, keys: list[str], home: Organization, moment: dt.datetime) -> None:
    """Invite each person and let them accept."""
    staff = {person["key"]: person for person in read("people")["staff"]}
    for key in keys:
        person = staff[key]
        user = cast.people[key] = cast.make_user(person, moment)
        if user.memberships.filter(organization=home).exists():
            continue
        with step(moment, cast.platform_admin):
            invitation, _token = invite(
                person["email"], InvitedRole(person["role"]), organization=home, language=user.language
            )
        with step(moment + PART_OF_A_DAY, SYSTEM), acting(signing_in(user)):
            accept_invitation(invitation, user)


def _waiting_provider(cast: Cast, entry: dict[str, Any], now: dt.datetime) -> None:
    application = _apply(entry, days_before(now, entry["applied_days_ago"]))
    if application is None or entry["reviewed_days_ago"] is None:
        return
    with step(days_before(now, entry["reviewed_days_ago"]), cast.platform_admin):
        start_review(application)
        create_provider(application)
