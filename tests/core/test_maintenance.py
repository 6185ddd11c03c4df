"""The read-only mode for maintenance, and what a session notes of itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client

from core import clock
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in


@pytest.mark.django_db(transaction=True)
def test_maintenance_shows_everything_and_saves_nothing(world: World, settings: Any) -> None:
    settings.DB_READ_ONLY = True
    browser = sign_in(Client(), world.client_user_a)

    assert browser.get("/my/").status_code == 200
    refused = browser.post(f"/course/{world.studying_a.pk}/pause")

    assert refused.status_code == 503
    assert "We are working on the system" in refused.content.decode()
    assert world.session_a.paused_at is None


@pytest.mark.django_db(transaction=True)
def test_a_session_notes_its_activity_once_a_minute(world: World) -> None:
    browser = sign_in(Client(), world.client_user_a)
    start = clock.now()
    seen = []
    for minutes in (0, 0.5, 2):
        with time_machine.travel(start + dt.timedelta(minutes=minutes), tick=False):
            browser.get("/my/")
        with as_system():
            seen.append(UserSession.objects.get(user=world.client_user_a).last_seen_at)

    assert seen[0] == seen[1] < seen[2]
