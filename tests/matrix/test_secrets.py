"""What is secret is shown nowhere: not on a page, in a file, a header, a history, a log or an error.

Every secret has a word that is known to the judge: each column declared secret, each sealed one, what the packages
keep (second factors, sessions), links that let their reader in, and the keys the product signs and seals with. Then
everybody asks for everything.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings as product
from django.db import models

from admin_site.admin.clients import ClientAdmin
from core.crypto import SealedField, seal
from core.privacy import Privacy
from enrollments.models import Client
from organizations.services.invitations import refresh_invitation
from tests.accounts.factors import give_app, give_backup_codes
from tests.admin_site.addresses import listing
from tests.database import as_system
from tests.matrix.oracles import Answer
from tests.matrix.people import Person, busy_session_of
from tests.matrix.runner import Cell, Matrix
from tests.trials import Trial
from tests.words import standing

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]

BORN = {"1931-07-19": "July 19, 1931"}
# Where a column may be read after all: the last four digits behind their cover, the birth date by those who identify a
# client, both on the client's own record; the client's own date in the client's own form; a payment's page at the card
# company by whoever pays.
BY_DESIGN = {
    "enrollments.client.ssn_last4": {"enrollments.client/list", "enrollments.client/record",
                                     "enrollments.client/inline"},
    "enrollments.client.birth_date": {"enrollments.client/record", "enrollments.client/inline", "-/course_details",
                                      "-/course"},
    "payments.payment.checkout_url": {"-/pay"},
}  # fmt: skip
WATCHED = "GET console/enrollments.client/list provider_admin"
Secrets = dict[str, str]


def columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column that is declared secret or sealed."""
    for model in apps.get_models():
        secret = {name for name, level in getattr(model, "privacy", {}).items() if level == Privacy.SECRET}
        for column in model._meta.concrete_fields:
            if column.name in secret or isinstance(column, SealedField):
                yield model, column


def plant(matrix: Matrix, settings: Any) -> Secrets:
    """Make sure that everything secret has a word; returns what each word is."""
    found: Secrets = {}
    with as_system():
        for model, column in columns():
            label = f"{model._meta.label_lower}.{column.name}"
            found |= dict.fromkeys(_words_of(model, column), label)
        found |= _second_steps(matrix) | _sessions(matrix)
        found[refresh_invitation(matrix.objects.world.invitation_a)] = "invitation link"
    settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_SECRET_KEY = "whsec_zq81kfj2m7", "sk_test_zq81kfj2m7"
    found |= {product.SECRET_KEY: "signing key", settings.STRIPE_WEBHOOK_SECRET: "webhook secret",
              settings.STRIPE_SECRET_KEY: "gateway key"}  # fmt: skip
    found |= {key.hex(): "field key" for key in (*product.FIELD_KEYS.values(), product.LOOKUP_KEY)}
    return found | {told: found[born] for born, told in BORN.items() if born in found}


def _words_of(model: type[models.Model], column: models.Field[Any, Any]) -> Iterator[str]:
    """The words in a column: what is there, or one put there where nothing is."""
    sealed = isinstance(column, SealedField)
    for row in model._base_manager.all():
        word = next(iter(BORN)) if column.name == "birth_date" else f"zq{column.name[:6]}{row.pk.hex[-12:]}"
        if sealed:
            value: Any = seal(word, bound_to=column.binding(row))
        elif column.name == "checkout_url":
            value = word = f"https://pay.example/{word}"
        else:
            word = str(getattr(row, column.attname) or "")
            yield from [word] if len(word) >= 10 else []
            continue
        model._base_manager.filter(pk=row.pk).update(**{column.attname: value})
        yield word


def _second_steps(matrix: Matrix) -> Secrets:
    """A code app, and backup codes that were shown once, for four people; two of them walk about themselves, past their
    second step."""
    world, found = matrix.objects.world, {}
    for user in (world.provider_admin_a, world.client_user_a, world.counselor_b, world.spouse_user_a):
        found |= {give_app(user): "code app"} | dict.fromkeys(give_backup_codes(user), "backup code")
    for row in Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES):
        row.wrap().mark_as_viewed()
    for row in Authenticator.objects.all():
        found |= {word: "second factor" for word in _strings(row.data) if len(word) >= 10}
    for role in ("provider_admin", "client"):
        person = matrix.people[role]
        proofs = [{"method": "password", "at": 2e9}, {"method": "mfa", "type": "totp", "at": 2e9}]
        key = busy_session_of(person.user, account_authentication_methods=proofs)
        matrix.people[role] = Person(role, person.user, key, person.organizations)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _sessions(matrix: Matrix) -> Secrets:
    keys = [*UserSession.objects.values_list("session_key", flat=True), *(p.key for p in matrix.people.values())]
    return {key: "session key" for key in keys if key}


def hits(cell: Cell, person: Person, answer: Answer, secrets: Secrets, logged: str) -> list[str]:
    """What an answer, its headers, what it wrote into evidence, and the log tell of the secrets."""
    evidence = [fact for table, _, _, fact in answer.changes if table in {"audit_auditevent", "audit_systemevent"}]
    parts = (answer.body, answer.headers.encode(errors="replace"), json.dumps(evidence).encode(), logged.encode())
    place = f"{cell[0].noun}/{cell[0].what.split(':')[0]}"
    return [
        f"{cell[0].name} as {cell[1]} on {cell[2]} shows {secrets[word]}"
        for word in standing(secrets, *parts)
        if place not in BY_DESIGN.get(secrets[word], ()) and word != person.key
    ]


def swept(matrix: Matrix, cells: list[Cell], secrets: Secrets, caplog: pytest.LogCaptureFixture) -> list[str]:
    logging.disable(logging.NOTSET)
    caplog.set_level(logging.DEBUG)
    found = []
    for cell in cells:
        act, role, scope = cell
        caplog.clear()
        answer = matrix.ask(act, matrix.people[role], scope)
        found += hits(cell, matrix.people[role], answer, secrets, caplog.text)
    return found


def errors(matrix: Matrix, trial: Trial, secrets: Secrets) -> tuple[int, list[str]]:
    """Pages of what went wrong, asked for by everybody."""
    world = matrix.objects.world
    bad = ("/no-such-page", "/console/no/such/", "/files/no-token", f"/course/{world.pk('studying_b')}",
           listing(Client, "?password__startswith=a"), listing(Client) + "zz/change/", "/api/health/zz")  # fmt: skip
    asked = [(verb, url, role) for url in bad for role in matrix.people for verb in ("GET", "POST")]
    asked = trial.random.sample(asked, trial.scale(fast=30, long=len(asked)))
    found = []
    for verb, url, role in asked:
        person = matrix.people[role]
        with matrix.undone() as written:
            answer = matrix.answer(verb, url, {}, person, written)
        seen = standing(secrets, answer.body, answer.headers.encode()) - {person.key}
        found += [f"{verb} {url} as {role} shows {secrets[word]}" for word in seen]
    return len(asked), found


def worth_asking(matrix: Matrix) -> tuple[list[Cell], list[Cell]]:
    """Whatever answers with content: reading and exports that are allowed; and everything else."""
    shown, other = [], []
    for cell in matrix.cells():
        act, role, scope = cell
        reads = act.verb == "GET" or act.what.startswith("export")
        allowed = matrix.policy.peek(act, role, scope) in {"allow", "open", "confirm"}
        (shown if reads and allowed else other).append(cell)
    return shown, other


@pytest.mark.torture("P-06")
def test_secrets_are_shown_nowhere(
    matrix: Matrix, trial: Trial, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = plant(matrix, settings)
    shown, other = worth_asking(matrix)
    cells = trial.random.sample(shown, min(len(shown), trial.scale(fast=50, long=6000)))
    cells += trial.random.sample(other, trial.scale(fast=20, long=1500))
    cells += [cell for cell in shown if cell[0].what.startswith("mfa_") and cell[1] in {"client", "provider_admin"}]
    asked, found = errors(matrix, trial, secrets)
    found += swept(matrix, cells, secrets, caplog)
    kinds = sorted(set(secrets.values()))
    trial.report(
        n=len(cells) + asked, violations=len(found), words=len(secrets), kinds=kinds, by_design=sorted(BY_DESIGN),
        first=found[:10],
    )  # fmt: skip
    assert len(kinds) >= 10


@pytest.mark.control("P-06")
def test_a_secret_in_a_list_is_found_out(
    matrix: Matrix, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = plant(matrix, settings)
    monkeypatch.setattr(ClientAdmin, "list_display", (*ClientAdmin.list_display, "birth_date"))
    cells = [cell for cell in matrix.cells() if f"{cell[0].name} {cell[1]}" == WATCHED]
    assert any("birth_date" in fault for fault in swept(matrix, cells, secrets, caplog))


@pytest.mark.control("P-06")
def test_a_secret_in_the_log_is_found_out(
    matrix: Matrix, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chatty(_admin: ClientAdmin, client: Client) -> bool:
        logging.getLogger("certaos").warning("client %s", client.ssn_last4)
        return True

    secrets = plant(matrix, settings)
    monkeypatch.setattr(ClientAdmin, "ssn", chatty)
    cells = [cell for cell in matrix.cells() if f"{cell[0].name} {cell[1]}" == WATCHED]
    monkeypatch.setitem(BY_DESIGN, "enrollments.client.ssn_last4", set())
    assert any("ssn_last4" in fault for fault in swept(matrix, cells, secrets, caplog))
