"""A form takes what it shows and nothing else: every further field that is sent along changes nothing.

Each form is sent three times by somebody who may: as it is rendered, then with every column of its model and what an
attacker would guess, then as it is rendered again. What the first and the last wrote alike must be written alike in
between.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import models

from admin_site.base import ConsoleModelAdmin
from tests.forms import forms_of
from tests.matrix.discovery import Act
from tests.matrix.ledger import business
from tests.matrix.runner import Cell, Matrix
from tests.trials import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]

GUESSED = {
    "tenant": "{b}", "tenant_id": "{b}", "organization": "{b}", "organization_id": "{b}", "provider": "{b}",
    "provider_id": "{b}", "firm": "{firm_b}", "firm_id": "{firm_b}", "client": "{client_b}", "user": "{user}",
    "user_id": "{user}", "person": "{user}", "is_superuser": "on", "is_staff": "on", "is_active": "", "platform_role":
    "platform_admin", "role": "owner", "status": "completed", "state": "done", "amount": "1", "amount_cents": "1",
    "refunded_cents": "99999", "currency": "JPY", "serial": "1", "number": "00000-XXX-CC-000000001", "id": "{absent}",
    "pk": "{absent}", "created_at": "2001-01-01", "updated_at": "2001-01-01", "completed_by": "{user}", "_state": "x",
    "session_generation": "9", "password": "hijacked", "permissions": "1", "groups": "1", "is_process": "on",
    "everywhere": "on", "attempts": "0", "actor": "{user}", "made_by": "{user}",
}  # fmt: skip
# What a form shows under such a name is its own field, and what the address or the page machinery reads is no field.
_MACHINERY = {"pk", "action", "index", "select_across", "_selected_action", "post", "csrfmiddlewaretoken"}


def further(matrix: Matrix, act: Act, shown: set[str]) -> dict[str, Any]:
    """Every field that is not in the form, with a value that would be noticed."""
    world = matrix.objects.world
    names = {"b": "provider_b", "firm_b": "firm_b", "client_b": "client_b", "user": "stranger"}
    known = {mark: world.pk(name) for mark, name in names.items()} | {"absent": "0197c0de-0000-7000-8000-00000000dead"}
    found = {name: text.format(**known) for name, text in GUESSED.items()}
    for column in act.model._meta.concrete_fields if act.model else ():
        told = _noticed(matrix, column)
        found |= {column.name: told, column.attname: told}
    return {name: value for name, value in found.items() if name not in shown | _MACHINERY}


def _noticed(matrix: Matrix, column: models.Field[Any, Any]) -> str:
    """A value that fits the column and that no form would put there."""
    if column.is_relation:
        return (matrix.objects.rows(column.related_model, "foreign") or ["0"])[0]
    if column.choices:
        return str(list(column.flatchoices)[-1][0])
    if isinstance(column, models.BooleanField):
        return "on"
    if isinstance(column, models.DateField):
        return dt.date(2001, 1, 1).isoformat()
    return "7" if isinstance(column, models.IntegerField) else "assigned"


def shown_fields(matrix: Matrix, cell: Cell, body: dict[str, Any]) -> set[str]:
    """The fields of the form as its page renders it to this person; for forms of other pages, what is sent."""
    act, role, scope = cell
    page = matrix.ask(Act("GET", *(getattr(act, name) for name in ("area", "noun", "what", "route", "pattern",
                      "arguments", "model", "detail"))), matrix.people[role], scope)  # fmt: skip
    ours = [form for form in forms_of(page.body.decode(errors="replace")) if body.keys() & form.fields.keys()]
    return set().union(*(form.fields for form in ours)) if ours else set(body)


def written_by(matrix: Matrix, cell: Cell, more: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The body that was sent, and what it wrote: (table, operation, facts) in order, without evidence's own chain."""
    act, role, scope = cell
    with matrix.undone() as written:
        url, body = matrix.made(act, matrix.people[role], scope, None)
        answer = matrix.answer("POST", url, body | more, matrix.people[role], written)
    assert answer.status < 500, (act.name, answer.status)
    kept = [line for line in business(answer.changes) if line[0] != "audit_auditchain"]
    return body, [(table, op, fact) for table, op, _, fact in kept]


def steady(one: list[Any], two: list[Any]) -> list[tuple[str, str, dict[str, Any]]] | None:
    """What both wrote alike; None when they did not even write the same rows."""
    if [line[:2] for line in one] != [line[:2] for line in two]:
        return None
    return [
        (table, op, {name: value for name, value in fact.items() if other[name] == value})
        for (table, op, fact), (_, _, other) in zip(one, two, strict=True)
    ]


def assigned(matrix: Matrix, cells: list[Cell]) -> tuple[int, int, list[str]]:
    """Forms that worked, fields sent along, and what these changed."""
    forms = fields = 0
    found = []
    for cell in cells:
        act, role, scope = cell
        body, once = written_by(matrix, cell, {})
        if not once:
            continue
        more = further(matrix, act, shown_fields(matrix, cell, body))
        attacked = written_by(matrix, cell, more)[1]
        alike = steady(once, written_by(matrix, cell, {})[1])
        forms, fields = forms + 1, fields + len(more)
        found += [f"{act.name} as {role} on {scope}: {fault}" for fault in differences(alike, attacked)]
    return forms, fields, found


def differences(alike: list[Any] | None, attacked: list[Any]) -> list[str]:
    if alike is None:
        return ["never writes the same"]
    if [line[:2] for line in alike] != [line[:2] for line in attacked]:
        return [f"writes {[line[:2] for line in attacked]} instead of {[line[:2] for line in alike]}"]
    return [
        f"{table}.{name} becomes {fact[name]!r}"
        for (table, _, kept), (_, _, fact) in zip(alike, attacked, strict=True)
        for name, value in kept.items()
        if fact[name] != value
    ]


def forms_that_may(matrix: Matrix) -> list[Cell]:
    """Every POST with the first role and row that the policy allows, and the widest role beside it."""
    found: dict[tuple[str, str], Cell] = {}
    for act, role, scope in matrix.cells():
        if act.verb == "POST" and matrix.policy.peek(act, role, scope) == "allow":
            side = "platform" if role in {"platform_admin", "finance", "support"} else "house"
            found.setdefault((act.name, side), (act, role, scope))
    return list(found.values())


@pytest.mark.torture("P-05")
def test_fields_that_are_not_in_the_form_change_nothing(matrix: Matrix, trial: Trial) -> None:
    cells = forms_that_may(matrix)
    cells = trial.random.sample(cells, min(len(cells), trial.scale(fast=40, long=2000)))
    forms, fields, found = assigned(matrix, cells)
    trial.report(n=fields, violations=len(found), forms=forms, tried=len(cells), first=found[:10])


@pytest.mark.control("P-05")
def test_a_record_that_takes_whatever_is_posted_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form still shows a few fields; what is saved is every column that was sent."""
    saved = ConsoleModelAdmin.save_model

    def careless(self: Any, request: Any, obj: Any, form: Any, change: bool) -> None:
        saved(self, request, obj, form, change)
        plain = [each for each in obj._meta.concrete_fields if isinstance(each, models.CharField) and not each.choices]
        for column in plain:
            setattr(obj, column.name, request.POST.get(column.name, getattr(obj, column.name)))
        obj.save(update_fields=[column.name for column in plain])

    monkeypatch.setattr(ConsoleModelAdmin, "save_model", careless)
    wanted = "POST console/organizations.organization/record"
    assert assigned(matrix, [cell for cell in forms_that_may(matrix) if cell[0].name == wanted])[2]
