"""CERT-12: test accounts for a staging installation."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from enrollments.models import Client, Enrollment
from organizations.models import Invitation
from tests.database import as_system, role

pytestmark = pytest.mark.django_db


def seed():
    with role("app_worker"):
        call_command("seed_staging")


def counts():
    with as_system():
        return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


def test_a_second_run_changes_no_count_and_prints_the_same_log_ins(world, capsys):
    before = counts()
    seed()
    first, made = capsys.readouterr().out, counts()
    seed()
    second = capsys.readouterr().out
    assert counts() == made
    assert first == second
    assert made["organizations.Invitation"] - before["organizations.Invitation"] == 5
    assert made["enrollments.Enrollment"] - before["enrollments.Enrollment"] == 2


def test_every_printed_log_in_works_and_lands_in_its_place(world, capsys):
    seed()
    places = {}
    for line in capsys.readouterr().out.splitlines():
        name, email, password = line.split()
        browser = Browser()
        browser.post("/accounts/login/", {"login": email, "password": password})
        places[name] = browser.get("/dashboard")["Location"]
    assert places == {
        "platform_admin": "/dashboard/admin",
        "provider_admin": "/dashboard/provider",
        "counselor": "/dashboard/counselor",
        "attorney": "/dashboard/attorney",
        "client": "/dashboard/client",
    }
    with as_system():
        assert Enrollment.objects.get(client__user__email="client@staging.certaos.example").status == "invited"
        assert Client.objects.get(email="new.client@staging.certaos.example").invitation_id is not None
        open_ones = Invitation.objects.filter(email__endswith="@staging.certaos.example")
        assert set(open_ones.values_list("role", flat=True)) == set(places)


def test_it_refuses_in_production(world, settings):
    before = counts()
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError, match="not run in production"):
        seed()
    assert counts() == before
