"""CERT-08, CERT-09 and the first administrator."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import AuditEvent
from core import clock
from organizations.models import Invitation, Membership
from organizations.queries import find_invitation
from tests.database import as_system, role
from website.pages import localized

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _as_worker():
    with role("app_worker"):
        yield


def run(*words):
    call_command(*words)


def test_an_invitation_is_made_then_renewed_and_its_link_printed(world, capsys):
    words = ["user_invite", "--email", "New@Example.org", "--role", "counselor", "--provider-id",
             str(world.provider_a.pk), "--firm-id", "null"]  # fmt: skip
    run(*words)
    first = capsys.readouterr().out
    run(*words, "--expires-in-days", "3", "--language", "es")
    token = capsys.readouterr().out.strip().rpartition("/")[2]
    with as_system():
        kept = Invitation.objects.get(email="new@example.org")
        found = find_invitation(token)
        events = AuditEvent.objects.filter(act="invitation.sent", target_id=str(kept.pk))
        assert [event.actor_label for event in events] == ["system: user_invite"] * 2
    assert "/invitations/" in first
    assert found.pk == kept.pk
    assert dt.timedelta(days=2) < kept.expires_at - clock.now() <= dt.timedelta(days=3)
    assert localized("invitations/", "es") in f"/es/invitations/{token}"


def test_fourteen_days_are_the_default(world):
    run("user_invite", "--email", "new@example.org", "--role", "client")
    with as_system():
        kept = Invitation.objects.get(email="new@example.org")
    assert kept.expires_at - kept.sent_at == dt.timedelta(days=14)


@pytest.mark.parametrize("words", [
    ("--role", "wizard"), ("--role", "client", "--expires-in-days", "0"), ("--role", "client", "--provider-id", "x"),
    ("--role", "counselor", "--provider-id", "00000000-0000-4000-8000-000000000000"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(world, words):
    with pytest.raises(CommandError):
        run("user_invite", "--email", "new@example.org", *words)
    with as_system():
        assert not Invitation.objects.filter(email="new@example.org").exists()


def test_the_shell_gets_a_reason_and_a_failing_exit_code(databases):
    environment = os.environ | {"CERTAOS_PROCESS": "", "WORKER_DATABASE_URL": databases.test_dsn("app_worker")}
    done = subprocess.run(
        [sys.executable, "manage.py", "user_invite", "--email", "a@b.example", "--role", "counselor"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "role_needs_organization: This role belongs to an organization." in done.stderr


def test_a_person_who_has_signed_in_is_promoted_and_history_says_so(world, capsys):
    with as_system():
        User.objects.filter(pk=world.stranger.pk).update(last_login=clock.now())
    run("user_set_role", "--email", "STRANGER@example.org", "--role", "provider_admin", "--provider-id",
        str(world.provider_b.pk))  # fmt: skip
    run("user_set_role", "--email", "stranger@example.org", "--role", "counselor", "--provider-id",
        str(world.provider_b.pk), "--reason", "Steps down.")  # fmt: skip
    assert capsys.readouterr().out.splitlines()[-1] == "stranger@example.org is now: counselor at Provider B."
    with as_system():
        membership = Membership.objects.get(user=world.stranger)
        versions = list(membership.history.order_by("history_date").values_list("role", "history_change_reason"))
    assert versions == [("provider_admin", "set on the command line"), ("counselor", "Steps down.")]


def test_the_platform_role_is_given_and_taken(world, capsys):
    with as_system():
        User.objects.filter(pk=world.stranger.pk).update(last_login=clock.now())
    run("user_set_role", "--email", "stranger@example.org", "--role", "platform_admin")
    assert world.stranger.platform_role == "platform_admin"
    run("user_set_role", "--email", "stranger@example.org", "--role", "client")
    assert world.stranger.platform_role == ""
    assert capsys.readouterr().out.splitlines()[-1] == "stranger@example.org is now: client."


def test_unknown_people_and_people_who_never_signed_in_are_refused(world):
    for email, words in (("nobody@example.org", "Nobody has"), ("stranger@example.org", "never signed in"),
                         ("worker@certaos.example", "Nobody has")):  # fmt: skip
        with pytest.raises(CommandError, match=words):
            run("user_set_role", "--email", email, "--role", "platform_admin")
    with as_system():
        User.objects.filter(pk=world.stranger.pk).update(last_login=clock.now())
    with pytest.raises(CommandError, match="role_needs_organization"):
        run("user_set_role", "--email", "stranger@example.org", "--role", "counselor")


def test_the_first_administrator_is_promoted_or_invited_and_there_is_one_only(world, capsys):
    with pytest.raises(CommandError, match="administrator already"):
        run("seed_first_admin", "--email", "first@example.org")
    with as_system():
        User.objects.filter(platform_role="platform_admin", is_process=False).update(platform_role="")
    run("seed_first_admin", "--email", "first@example.org")
    token = capsys.readouterr().out.strip().rpartition("/")[2]
    with as_system():
        assert find_invitation(token).role == "platform_admin"
    run("seed_first_admin", "--email", "stranger@example.org")
    assert world.stranger.platform_role == "platform_admin"
