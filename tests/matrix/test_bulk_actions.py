"""Acts on many rows: only rows in reach, as many as the page said, none that changed since it was shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from admin_site.actions import BULK_LIMIT, PostAction
from admin_site.site import console
from certificates.models import Certificate
from enrollments.models import Client, Enrollment
from organizations.models import Organization
from payments.models import Payment
from tests.admin_site.addresses import bulk, listing
from tests.database import as_system
from tests.factories.cases import make_refund
from tests.forms import Form, forms_of
from tests.matrix.discovery import Act
from tests.matrix.ledger import business, leaks
from tests.matrix.oracles import Answer
from tests.matrix.people import SEES_B
from tests.matrix.runner import Matrix, Written
from tests.matrix.sabotage import bare, everything
from tests.trials import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]

OWN, FOREIGN = ("tenant", "mine", "firm"), ("foreign", "their_firm")
Faults = Iterator[str]


class Walk:
    """One person's way through one bulk act: tick, look, and, after something has changed, go on."""

    def __init__(self, matrix: Matrix, act: Act, person: str, written: Written) -> None:
        self.matrix, self.act, self.person, self.written = matrix, act, matrix.people[person], written
        self.model: Any = act.model
        self.name = str(act.detail["action"])
        self.own = [key for scope in OWN for key in matrix.objects.rows(self.model, scope)][: BULK_LIMIT // 2]
        self.foreign = [key for scope in FOREIGN for key in matrix.objects.rows(self.model, scope)][:20]

    def __str__(self) -> str:
        return f"{self.act.noun} {self.name} as {self.person.role}"

    def post(self, url: str, body: dict[str, Any]) -> Answer:
        return self.matrix.answer("POST", url, body, self.person, self.written)

    def tick(self, *, across: bool = False) -> tuple[Answer, Form | None]:
        """The page that names what would be done to which rows, and its form."""
        keys = [*self.own, *self.foreign]
        told = {"action": self.name, "_selected_action": keys, "index": "0", "select_across": "1" if across else "0"}
        answer = self.post(listing(self.model), told)
        forms = forms_of(answer.body.decode(errors="replace"))
        return answer, next((form for form in forms if form.fields.get("pk")), None)

    def go_on(self, form: Form, **more: Any) -> Answer:
        """What the page's button sends, with the dialog's own fields filled in, and foreign rows slipped in."""
        with as_system():
            filled = self.matrix.bodies.body(self._bulk_act(), "", None)
        own = {name: value for name, value in filled.items() if name not in {"pk", "seen"}}
        return self.post(form.action, form.body() | own | {"pk": [*form.fields["pk"], *self.foreign]} | more)

    def _bulk_act(self) -> Act:
        act = self.act
        return Act("POST", act.area, act.noun, f"bulk:{self.name}", act.route, act.pattern, model=act.model)

    def reached(self, answer: Answer, *more: str) -> set[str]:
        """The rows of the model, `more` among them, that anything written tells of."""
        facts = [json.dumps(line, default=str) for line in business(answer.changes)]
        return {key for key in (*self.own, *self.foreign, *more) if any(key in fact for fact in facts)}


def touch(model: type[models.Model], key: str) -> bool:
    """Somebody else saves the row; False where the row keeps no time of change."""
    if not any(column.name == "updated_at" for column in model._meta.concrete_fields):
        return False
    with as_system(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE \"{model._meta.db_table}\" SET updated_at = updated_at + interval '1 second' WHERE id = %s", [key]
        )
    return True


def settled(model: type[models.Model]) -> set[str]:
    """Enrollments with their certificate: put back into the state before, they would only be given the same again."""
    if model is not Enrollment:
        return set()
    return {str(key) for key in Certificate._base_manager.values_list("enrollment_id", flat=True)}


def walked(walk: Walk, *, across: bool) -> Faults:
    """What is wrong with one walk."""
    with as_system():
        for key in {*walk.own, *walk.foreign} - settled(walk.model):
            walk.matrix.bodies.prepare(walk.act, key)
    answer, form = walk.tick(across=across)
    yield from seen_wrong(walk, answer)
    if form is None:
        return
    offered = set(form.fields["pk"])
    if walk.person.role not in SEES_B and offered & set(walk.foreign):
        yield f"{walk} offers foreign rows"
    changed = form.fields["pk"][0] if len(offered) > 1 and touch(walk.model, form.fields["pk"][0]) else ""
    done = walk.go_on(form)
    reached = walk.reached(done, *offered)
    yield from seen_wrong(walk, done)
    if changed in reached:
        yield f"{walk} acts on a row that changed since it was shown"
    if walk.person.role not in SEES_B and reached - offered:
        yield f"{walk} acts on rows the page did not name"
    counted = re.search(rb"<h2>\s*(\d+) done", done.body)
    if (int(counted[1]) if counted else 0) != len(reached):
        yield f"{walk} says {counted and counted[1]!r} and does {len(reached)}, answers {done.status}"


def seen_wrong(walk: Walk, answer: Answer) -> Faults:
    if answer.status >= 500:
        yield f"{walk} fails"
    if walk.person.role not in SEES_B and leaks(answer.body, answer.headers):
        yield f"{walk} shows text of tenant B"


def too_many(walk: Walk) -> Faults:
    """10,001 ids, and one more than the limit, do nothing at all. Who may not act hears that instead, where the policy
    leaves the act open because it depends on the installation."""
    allowed = walk.matrix.policy.peek(bulk_twin(walk.matrix, walk.act), walk.person.role, "-") == "allow"
    expected = {302, 400} if allowed else {302, 400, 403}
    for number in (10_001, BULK_LIMIT + 1):
        keys = [*walk.own, *(f"0197c0de-0000-7000-8000-{each:012}" for each in range(number))][:number]
        answer = walk.post(bulk(walk.model, walk.name), {"pk": keys, "reason": "because"})
        if walk.reached(answer) or answer.status not in expected:
            yield f"{walk} takes {number} ids with {answer.status}"


def edited_meanwhile(matrix: Matrix) -> Faults:
    """A change of fields is previewed, then a row gets another language: nothing may be written."""
    with matrix.undone() as written:
        walk = Walk(matrix, _named(matrix, Client, "bulk_edit"), "provider_admin", written)
        _, form = walk.tick()
        assert form is not None
        wish = {"change_language": "on", "language": "es"}
        plan = walk.post(form.action, form.body(preview="1") | wish)
        shown = next(form for form in forms_of(plan.body.decode()) if "plan" in form.fields)
        with as_system():
            Client._base_manager.filter(pk=walk.own[0]).update(language="es")
        if walk.reached(walk.post(shown.action, shown.body(apply="1"))):
            yield "a change of fields is written although a row changed since the preview"


def refunded_meanwhile(matrix: Matrix) -> Faults:
    """Refunds are looked at, then of one payment less is left: that one stays, the others go back."""
    with matrix.undone() as written:
        walk = Walk(matrix, _named(matrix, Payment, "refund_many"), "provider_admin", written)
        _, form = walk.tick()
        assert form is not None
        with as_system():
            make_refund(Payment._base_manager.get(pk=walk.own[0]), amount_cents=1)
        wish = {"cause": "other", "reason": "because", "reference": "till 4", "notify": "on"}
        answer = walk.post(form.action, form.body() | wish)
        lines = [fact for table, _, _, fact in answer.changes if table == "payments_bulkrefundline"]
        if [line["code"] for line in lines if line["payment_id"] == walk.own[0]] != ["changed_meanwhile"]:
            yield f"a refund goes out although less is left than was shown: {answer.status} {lines}"
        many = walk.post(form.action, form.body() | wish | {"pk": walk.own * (BULK_LIMIT + 1)})
        if walk.reached(many):
            yield "more refunds than the limit are taken"


def _named(matrix: Matrix, model: type[models.Model], name: str) -> Act:
    listed = next(act for act in matrix.acts if act.model is model and act.what == "list" and act.verb == "POST")
    return Act("POST", "console", listed.noun, name, listed.route, listed.pattern, model=model, detail={"action": name})


def ticked(matrix: Matrix) -> list[tuple[Act, str]]:
    """Every bulk act with everybody to whom its list offers it."""
    return [
        (act, person)
        for act in matrix.acts
        if act.what.startswith("ticked:")
        for person in ("provider_admin", "owner", "attorney", "counselor", "finance", "platform_admin")
        if matrix.policy.peek(bulk_twin(matrix, act), person, "-") in {"allow", "open"}
    ]


def bulk_twin(matrix: Matrix, act: Act) -> Act:
    name = f"bulk:{act.detail['action']}"
    return next(each for each in matrix.acts if each.noun == act.noun and each.what == name and each.verb == "POST")


def walks(matrix: Matrix, wanted: list[tuple[Act, str]], *, across: bool) -> Faults:
    for act, person in wanted:
        with matrix.undone() as written:
            yield from walked(Walk(matrix, act, person, written), across=across)
        with matrix.undone() as written:
            yield from too_many(Walk(matrix, act, person, written))


@pytest.mark.torture("P-11")
def test_bulk_acts_do_what_they_said_to_whom_they_may(matrix: Matrix, trial: Trial) -> None:
    wanted = ticked(matrix)
    wanted = trial.random.sample(wanted, min(len(wanted), trial.scale(fast=10, long=500)))
    found = [*walks(matrix, wanted, across=False), *walks(matrix, wanted, across=True)]
    found += [*edited_meanwhile(matrix), *refunded_meanwhile(matrix)]
    trial.report(n=4 * len(wanted) + 2, violations=len(found), first=found[:10])


CHOSEN = ("POST console/enrollments.enrollment/ticked:invite", "provider_admin")


def chosen(matrix: Matrix) -> list[tuple[Act, str]]:
    return [(act, person) for act, person in ticked(matrix) if (act.name, person) == CHOSEN]


@pytest.mark.control("P-11")
def test_a_bulk_act_on_every_row_there_is_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin_site.base.rows_of", everything)
    monkeypatch.setattr(PostAction, "refusal", lambda *_: None)
    bare(*apps.get_app_config("enrollments").get_models(), Organization)
    assert any("foreign" in fault for fault in walks(matrix, chosen(matrix), across=True))


@pytest.mark.control("P-11")
def test_a_bulk_act_that_remembers_nothing_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin_site.views.actions.version_of", lambda _row: "")
    assert any("changed" in fault for fault in walks(matrix, chosen(matrix), across=False))


def test_every_bulk_act_is_walked(matrix: Matrix) -> None:
    """No act on many rows is left out for want of somebody who may."""
    there = {f"{admin.opts.label_lower} {action.name}" for admin in console._registry.values()
             for action in admin.declared_actions() if action.bulk}  # fmt: skip
    assert {f"{act.noun} {act.detail['action']}" for act, _ in ticked(matrix)} == there
