"""CERT-11: a login is taken away in staging, so that the address may sign up again."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from accounts.models import User
from accounts.queries import has_login
from audit.models import AuditEvent
from enrollments.models import Client
from tests.database import as_system, role
from tests.factories.people import PASSWORD
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def reset(*words):
    with role("app_worker"):
        call_command("reset_auth_user", *words)


def test_without_yes_nothing_changes(world):
    for words in ((), ("--yes", "false"), ("--delete-domain", "true")):
        with pytest.raises(CommandError, match="Nothing was changed"):
            reset("--email", world.counselor_a.email, *words)
    with as_system():
        assert has_login(world.counselor_a.email)
        assert world.counselor_a.check_password(PASSWORD)


def test_the_login_goes_and_the_person_stays(world, client):
    sign_in(client, world.counselor_a)
    assert client.get("/account").status_code == 200
    reset("--email", world.counselor_a.email.upper(), "--yes", "true")
    with as_system():
        assert not has_login(world.counselor_a.email)
        assert not EmailAddress.objects.filter(user=world.counselor_a).exists()
        assert not UserSession.objects.filter(user=world.counselor_a).exists()
        assert world.counselor_a.memberships.get().role == "counselor"
        assert AuditEvent.objects.filter(act="user.login_forgotten", target_id=str(world.counselor_a.pk)).count() == 1
    assert not world.counselor_a.has_usable_password()
    assert client.get("/account").status_code == 302
    Browser().post("/accounts/login/", {"login": world.counselor_a.email, "password": PASSWORD})


def test_the_person_goes_too_when_no_record_names_them(world, capsys):
    reset("--email", "stranger@example.org", "--yes", "true", "--delete-domain", "true")
    with as_system():
        assert not User.objects.filter(email="stranger@example.org").exists()
    assert "login, roles and person" in capsys.readouterr().out


def test_a_person_whom_records_name_is_kept_without_a_name(world, capsys):
    before = world.client_user_a
    reset("--email", before.email, "--yes", "true", "--delete-domain", "true")
    kept = world.client_user_a
    with as_system():
        assert not User.objects.filter(email=before.email).exists()
        assert Client.objects.filter(user=kept).exists()
    assert (kept.email, kept.get_full_name(), kept.is_active) == (f"{before.pk}@deleted.invalid", "", False)
    assert "nameless row" in capsys.readouterr().out


def test_it_refuses_in_production_and_for_the_unknown(world, settings):
    with pytest.raises(CommandError, match="Nobody has"):
        reset("--email", "nobody@example.org", "--yes", "true")
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError, match="not run in production"):
        reset("--email", "stranger@example.org", "--yes", "true")
    assert world.stranger.has_usable_password()
