"""CERT-01, CERT-02: which role may stand where, in the service, the form, the command line and the database."""

from __future__ import annotations

import datetime as dt
import uuid
from itertools import product

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from core import clock
from core.errors import DomainError
from organizations.enums import InvitedRole
from organizations.forms import InvitationForm
from organizations.guards import home_for
from organizations.models import Invitation, Membership, Organization
from organizations.services import invite
from tests.database import as_system, role
from tests.organizations.people import acting_as

pytestmark = pytest.mark.django_db

SCOPES = ("none", "provider", "firm", "both")
ALLOWED = {
    (InvitedRole.PLATFORM_ADMIN, "none"),
    (InvitedRole.PROVIDER_ADMIN, "provider"),
    (InvitedRole.COUNSELOR, "provider"),
    (InvitedRole.ATTORNEY, "firm"),
    (InvitedRole.CLIENT, "none"),
}
COMBINATIONS = list(product(InvitedRole, SCOPES))
REFUSED = [pair for pair in COMBINATIONS if pair not in ALLOWED]


def given(world, scope):
    provider = world.provider_a if scope in ("provider", "both") else None
    firm = world.firm_a if scope in ("firm", "both") else None
    return provider, firm


def one_organization(world, scope):
    """The same four scopes where one column holds the organization: "both" is one that is provider and firm at once."""
    if scope == "both":
        with as_system():
            return Organization.objects.create(name="Both", slug="both", is_provider=True, is_firm=True)
    return next((home for home in given(world, scope) if home is not None), None)


@pytest.mark.parametrize(("invited", "scope"), COMBINATIONS)
def test_the_service_takes_a_role_only_with_its_own_kind_of_organization(world, invited, scope):
    provider, firm = given(world, scope)
    with as_system():
        try:
            home = home_for(invited, provider=provider, firm=firm)
            invite("someone@example.org", invited, organization=home)
            answer = "taken"
        except DomainError as refusal:
            answer = refusal.code

    expected = "taken"
    if (invited, scope) not in ALLOWED:
        if invited in (InvitedRole.PLATFORM_ADMIN, InvitedRole.CLIENT):
            expected = "role_needs_no_organization"
        else:
            expected = "role_needs_organization" if scope == "none" else "role_does_not_fit"
    assert answer == expected
    with as_system():
        assert Invitation.objects.filter(email="someone@example.org").count() == (1 if expected == "taken" else 0)


@pytest.mark.parametrize(("invited", "scope"), COMBINATIONS)
def test_the_form_takes_a_role_only_with_its_own_kind_of_organization(world, invited, scope):
    provider, firm = given(world, scope)
    data = {
        "email": "someone@example.org", "role": invited.value, "provider": provider and provider.pk,
        "firm": firm and firm.pk, "language": "en", "days": "14",
    }  # fmt: skip
    with acting_as(world.platform_admin) as actor:
        assert InvitationForm(data, actor=actor).is_valid() is ((invited, scope) in ALLOWED)


@pytest.mark.parametrize(("invited", "scope"), COMBINATIONS)
def test_the_command_takes_a_role_only_with_its_own_kind_of_organization(world, invited, scope, capsys):
    provider, firm = given(world, scope)
    words = ["user_invite", "--email", "someone@example.org", "--role", invited.value]
    words += ["--provider-id", str(provider.pk) if provider else "null", "--firm-id", str(firm.pk) if firm else "null"]
    with role("app_worker"):
        if (invited, scope) in ALLOWED:
            call_command(*words)
            assert "/invitations/" in capsys.readouterr().out
        else:
            with pytest.raises(CommandError, match=r"^role_"):
                call_command(*words)


@pytest.mark.parametrize(("invited", "scope"), COMBINATIONS)
def test_the_database_refuses_an_invitation_of_the_wrong_shape(world, invited, scope):
    home = one_organization(world, scope)
    fits = (invited, scope) in ALLOWED or (
        scope == "both" and invited not in (InvitedRole.PLATFORM_ADMIN, InvitedRole.CLIENT)
    )
    with acting_as(world.platform_admin), connection.cursor() as cursor:
        written = attempt(
            cursor,
            "INSERT INTO organizations_invitation (id, created_at, updated_at, email, role, organization_id, language,"
            " status, token_hash, expires_at) VALUES (%s, now(), now(), %s, %s, %s, 'en', 'pending', %s, %s)",
            [uuid.uuid4(), "sql@example.org", invited.value, home and home.pk, uuid.uuid4().hex,
             clock.now() + dt.timedelta(days=1)],
        )  # fmt: skip
    assert written is fits


@pytest.mark.parametrize(("held", "scope"), COMBINATIONS)
def test_the_database_refuses_a_membership_of_the_wrong_shape(world, held, scope):
    home = one_organization(world, scope)
    fits = held not in (InvitedRole.PLATFORM_ADMIN, InvitedRole.CLIENT) and (
        (held, scope) in ALLOWED or scope == "both"
    )
    with acting_as(world.platform_admin), connection.cursor() as cursor:
        written = attempt(
            cursor,
            "INSERT INTO organizations_membership (id, created_at, updated_at, user_id, organization_id, role, status)"
            " VALUES (%s, now(), now(), %s, %s, %s, 'active')",
            [uuid.uuid4(), world.stranger.pk, home and home.pk, held.value],
        )
    assert written is fits


def attempt(cursor, sql, values):
    """Whether the statement was taken."""
    cursor.execute("SELECT current_user")
    assert cursor.fetchone() == ("app_web",)
    try:
        with transaction.atomic():
            cursor.execute(sql, values)
    except IntegrityError:
        return False
    return True


@pytest.mark.parametrize("name", ["wizard", "", "PLATFORM_ADMIN", "owner"])
def test_no_other_role_can_be_invited(world, name):
    with acting_as(world.platform_admin) as actor:
        form = InvitationForm({"email": "a@b.example", "role": name, "language": "en", "days": "1"}, actor=actor)
        assert not form.is_valid()
        assert "role" in form.errors
        with pytest.raises(IntegrityError), transaction.atomic():
            Invitation.objects.create(
                email="a@b.example", role=name, organization=world.provider_a, token_hash="x", expires_at=clock.now()
            )
    with pytest.raises(CommandError), role("app_worker"):
        call_command("user_invite", "--email", "a@b.example", "--role", name)


@pytest.mark.parametrize("name", ["wizard", "client", "platform_admin", ""])
def test_no_other_role_can_be_held(world, name):
    with acting_as(world.platform_admin), pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=world.stranger, organization=world.provider_a, role=name)


def test_no_other_platform_role_can_be_held(world):
    user = world.stranger
    user.platform_role = "root"
    with as_system(), pytest.raises(IntegrityError), transaction.atomic():
        user.save()
