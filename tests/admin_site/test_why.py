"""UX-28, ENT-W02: the console says why something can or cannot be done, to those who may ask."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db

REVOKE = "certificates.certificate:revoke"


def asked(client: Client, **question: str):
    return client.get(reverse("admin:why"), {"act": REVOKE, **question})


def test_an_administrator_learns_what_a_colleague_lacks(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    page = asked(client, person=world.counselor_a.email, record=str(world.certificate_a.pk))
    assert page.status_code == 200
    explanation = page.context["answer"]["explanation"]
    assert (explanation.allowed, explanation.rule) == (False, "role_lacks")
    assert "Provider administrator" in explanation.remedy


def test_an_address_of_the_console_names_a_record_too(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    address = "https://console.example" + addresses.record(world.certificate_a)
    assert asked(client, record=address).context["answer"]["explanation"].allowed is True
    assert asked(client, record=addresses.record(world.payment_a)).status_code == 404


def test_a_record_in_the_wrong_state_says_which(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    question = {"act": "enrollments.enrollment:complete", "record": str(world.invited_a.pk)}
    assert client.get(reverse("admin:why"), question).context["answer"]["explanation"].rule == "state"


def test_foreign_people_and_records_answer_like_absent_ones(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    absent = "00000000-0000-4000-8000-000000000000"
    foreign = asked(client, record=str(world.certificate_b.pk))
    none = asked(client, record=absent)
    assert (foreign.status_code, none.status_code) == (404, 404)
    assert _plain(foreign, str(world.certificate_b.pk)) == _plain(none, absent)
    one, other = asked(client, person=world.counselor_b.email), asked(client, person="nobody@nowhere.example")
    assert _plain(one, world.counselor_b.email) == _plain(other, "nobody@nowhere.example")


def _plain(page, *words: str) -> bytes:
    body = re.sub(rb'csrfmiddlewaretoken" value="[^"]+"', b"", page.content)
    body = re.sub(rb"[A-Za-z0-9]{64}", b"", body)
    for word in words:
        body = body.replace(word.encode(), b"*")
    return body


def test_others_ask_about_themselves_only(world: World, client: Client) -> None:
    sign_in(client, world.counselor_a)
    page = asked(client, person=world.provider_admin_a.email)
    assert page.context["answer"]["person"] == world.counselor_a
    assert "person" not in page.context["form"].fields


def test_asking_writes_nothing_and_takes_no_post(world: World, client: Client) -> None:
    sign_in(client, world.platform_admin)
    with as_system():
        before = AuditEvent.objects.count()
    assert asked(client, person=world.counselor_a.email).status_code == 200
    assert client.post(reverse("admin:why"), {"act": REVOKE}).status_code == 405
    with as_system():
        assert AuditEvent.objects.count() == before


def test_a_disabled_action_leads_to_its_reason(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    page = client.get(addresses.record(world.invited_a))
    blocked = [offer for offer in page.context["offers"] if offer["refusal"]]
    assert blocked
    for offer in blocked:
        answer = client.get(offer["why"]).context["answer"]
        assert answer["explanation"].allowed is False
        assert answer["explanation"].sentence == offer["refusal"].sentence


def test_who_has_no_part_in_the_console_is_sent_away(world: World, client: Client) -> None:
    assert asked(sign_in(client, world.client_user_a)).status_code == 302
