"""Somebody at home in two tenants has both open: what is sent from a page of one writes nothing in the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import models
from django.test import Client

from admin_site.base import ConsoleModelAdmin
from organizations.enums import Role
from organizations.services.memberships import join, remove_member
from tests.admin_site.addresses import adding, listing
from tests.database import as_system
from tests.factories.people import make_membership, make_user
from tests.forms import forms_of
from tests.matrix.discovery import Act
from tests.matrix.ledger import business
from tests.matrix.people import Person, busy_session_of
from tests.matrix.runner import Cell, Matrix
from tests.torture.accounts import password_step
from tests.trials import Trial
from tests.web import sign_in

TYPED = {
    "first_name": "Nora", "last_name": "Newcomer", "email": "nora@example.org", "kind": "CC", "role": "counselor",
    "district": "cacb", "number": "00001-CAC-CC-000000778", "language": "en", "days": "7",
}  # fmt: skip
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]


def both(matrix: Matrix) -> Person:
    """An administrator of provider A who is one of provider B as well."""
    world = matrix.objects.world
    with as_system():
        user = make_user("both@tenant-a.example")
        for home in (world.provider_a, world.provider_b):
            make_membership(user, home, Role.PROVIDER_ADMIN)
        return Person("provider_admin", user, busy_session_of(user), frozenset())


def forms_in_a(matrix: Matrix) -> list[Cell]:
    """Every form of the console that an administrator of A may send about a row of A, or to make one."""
    wanted = ("do:", "record", "add", "import", "export", "bulk:")
    return [
        (act, role, scope)
        for act, role, scope in matrix.cells()
        if role == "provider_admin" and act.verb == "POST" and act.area == "console" and act.what.startswith(wanted)
        if scope in {"mine", "tenant", "-"} and matrix.policy.peek(act, role, scope) == "allow"
    ]


def look_at_b(matrix: Matrix, person: Person, act: Act) -> None:
    """The other tab: the same list under B's filter, a record of B, the other hat."""
    home = matrix.objects.world.pk("provider_b")
    key = matrix.objects.key(act.model, "foreign")
    for url in (f"{listing(act.model)}?provider__id__exact={home}", f"{listing(act.model)}{key}/change/"):
        assert matrix.send("GET", url, {}, person).status_code < 500


def of_b(matrix: Matrix, changes: list[Any]) -> list[str]:
    """Tables in which something of tenant B was written, by the ids that stand in the rows."""
    theirs = {pk for scope in ("foreign", "their_firm") for _, pk in matrix.objects.of[scope] if len(pk) == 36}
    told = [(line[0], json.dumps(line)) for line in business(changes)]
    return sorted({table for table, text in told if any(key in text for key in theirs)})


def sent_from_a(matrix: Matrix, person: Person, cell: Cell) -> tuple[bool, list[str]]:
    """Load the form in A, look at B, send it: whether it did anything, and what of B it wrote."""
    act, _, scope = cell
    with matrix.undone() as written:
        url, filled = matrix.made(act, person, scope, None)
        page = matrix.send("GET", url, {}, person).content.decode(errors="replace")
        shown = next((form.body() for form in forms_of(page) if form.fields.keys() & filled.keys()), {})
        look_at_b(matrix, person, act)
        answer = matrix.answer("POST", url, shown | filled, person, written)
    found = [f"{act.name} on {scope} writes {table} of B" for table in of_b(matrix, answer.changes)]
    if answer.status >= 500:
        found.append(f"{act.name} on {scope} fails")
    return bool(business(answer.changes)), found


def moved_house(model: type[models.Model], matrix: Matrix) -> tuple[int, list[str]]:
    """Load a form at A, leave A for B, sign in anew in the other tab, send the old form."""
    world = matrix.objects.world
    with as_system():
        user = make_user(f"mover.{model._meta.model_name}@tenant-a.example")
        membership = make_membership(user, world.provider_a, Role.PROVIDER_ADMIN)
    browser = sign_in(Client(enforce_csrf_checks=True), user)
    page = browser.get(adding(model)).content.decode()
    form = next(form for form in forms_of(page) if "csrfmiddlewaretoken" in form.fields and len(form.fields) > 2)
    with as_system():
        remove_member(membership, reason="moved")
        join(user, world.provider_b, Role.PROVIDER_ADMIN)
        before = model._base_manager.count()
    other_tab = Client()
    other_tab.cookies = browser.cookies
    assert password_step(other_tab, user).status_code == 302
    assert browser.get(listing(model)).status_code == 200
    answer = browser.post(adding(model), form.body(**TYPED))
    with as_system():
        more = model._base_manager.count() - before
    return answer.status_code, [f"{model._meta.label} is written for whoever moved to B"] * more


def addable(matrix: Matrix) -> list[type[models.Model]]:
    return [act.model for act, _, _ in forms_in_a(matrix) if act.what == "add" and act.model is not None]


@pytest.mark.torture("A-12")
def test_a_form_of_one_tenant_writes_nothing_in_the_other(matrix: Matrix, trial: Trial) -> None:
    person, cells = both(matrix), forms_in_a(matrix)
    number = trial.scale(fast=16, long=200)
    wanted = [cell for cell in cells if cell[0].what in {"add", "import"}]
    wanted += trial.random.choices(cells, k=number - len(wanted))
    tried = [sent_from_a(matrix, person, cell) for cell in wanted]
    found = [fault for _, faults in tried for fault in faults]
    movers = [moved_house(model, matrix) for model in addable(matrix)[: trial.scale(fast=1, long=9)]]
    found += [fault for _, faults in movers for fault in faults]
    trial.report(
        n=len(tried) + len(movers), violations=len(found), written_in_a=sum(did for did, _ in tried),
        movers=[status for status, _ in movers], first=found[:10],
    )  # fmt: skip


@pytest.mark.control("A-12")
def test_a_tenant_taken_from_the_session_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter that was looked at last says where a new row goes."""
    shown = ConsoleModelAdmin.changelist_view

    def remembering(self: Any, request: Any, extra_context: Any = None) -> Any:
        request.session["home"] = request.GET.get("provider__id__exact") or request.session.get("home")
        return shown(self, request, extra_context)

    def settle(self: Any, request: Any, row: Any, *, change: bool) -> None:
        setattr(row, row._meta.get_field(self.tenant_field).attname, request.session["home"])

    monkeypatch.setattr(ConsoleModelAdmin, "changelist_view", remembering)
    monkeypatch.setattr(ConsoleModelAdmin, "settle_tenant", settle)
    cells = [cell for cell in forms_in_a(matrix) if cell[0].name == "POST console/certificates.cgsnumber/add"]
    assert any(sent_from_a(matrix, both(matrix), cell)[1] for cell in cells)
