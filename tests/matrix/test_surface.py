"""Parts of the matrix that the catalogue asks for by themselves, each with the mistake it must find."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.middleware.csrf import CsrfViewMiddleware
from django.test.client import ClientHandler

from admin_site.actions import PostAction
from admin_site.histories import HistoryViewsMixin
from admin_site.views.why import asked_acts, explanation_of
from audit.services import record
from core.context import acting
from organizations.actors import load_actor
from organizations.explanations import Explanation
from tests.database import as_system
from tests.matrix.runner import Cell, Matrix
from tests.trials import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]

HISTORY = r"(GET|POST) console/.*/(history|version) .*"
ACTS = r"POST console/.*/(do|bulk|ticked):\w+ .*"
READING = r"GET .*"
TWINS = r"GET console/.*/(record|history|do:\w+) \w+ (foreign|absent)"


def some(matrix: Matrix, trial: Trial, pattern: str, *, fast: int, long: int) -> list[Cell]:
    cells = [cell for cell in matrix.cells() if re.fullmatch(pattern, f"{cell[0].name} {cell[1]} {cell[2]}")]
    return trial.random.sample(cells, min(len(cells), trial.scale(fast=fast, long=long)))


def judged(matrix: Matrix, trial: Trial, pattern: str, *, fast: int, long: int) -> None:
    cells = some(matrix, trial, pattern, fast=fast, long=long)
    found = matrix.run(cells).violations
    trial.report(n=len(cells), violations=len(found), first=found[:5])


@pytest.mark.torture("P-01")
def test_history_is_read_in_sight_only_and_never_written(matrix: Matrix, trial: Trial) -> None:
    judged(matrix, trial, HISTORY, fast=25, long=1500)


@pytest.mark.control("P-01")
def test_history_for_anybody_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch, trial: Trial) -> None:
    def careless(self: HistoryViewsMixin, request: object, pk: str) -> tuple[object, None]:
        return self.model._base_manager.get(pk=pk), None

    monkeypatch.setattr(HistoryViewsMixin, "_past_of", careless)
    cells = some(matrix, trial, r"GET console/payments\.payment/history counselor mine", fast=1, long=1)
    assert matrix.run(cells).violations


@pytest.mark.torture("P-02")
def test_no_action_runs_without_its_permission(matrix: Matrix, trial: Trial) -> None:
    judged(matrix, trial, ACTS, fast=25, long=3000)


@pytest.mark.control("P-02")
def test_actions_that_ask_nobody_are_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch, trial: Trial) -> None:
    monkeypatch.setattr(PostAction, "is_held_somewhere", lambda *_: True)
    monkeypatch.setattr(PostAction, "refusal", lambda *_: None)
    cells = some(matrix, trial, r"POST console/jobs\.job/do:(rerun|cancel) support tenant", fast=2, long=2)
    assert matrix.run(cells).violations


@pytest.mark.torture("P-03")
def test_no_get_writes(matrix: Matrix, trial: Trial) -> None:
    """The counters see each row written, also one that the request takes back; sessions, rate limits and records of
    denials are housekeeping."""
    judged(matrix, trial, READING, fast=25, long=4000)


@pytest.mark.control("P-03")
def test_a_get_that_acts_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch, trial: Trial) -> None:
    def eager(action: PostAction, request: object, row: object) -> None:
        record("eager", row)  # type: ignore[arg-type]  # -- the row of the dialog

    monkeypatch.setattr(PostAction, "state_refusal", lambda action, row: eager(action, None, row))
    cells = some(matrix, trial, r"GET console/jobs\.job/do:(rerun|cancel) provider_admin tenant", fast=2, long=2)
    assert any("on GET" in fault for fault in matrix.run(cells).violations)


def pairs(matrix: Matrix, trial: Trial, *, fast: int, long: int) -> list[Cell]:
    """Foreign rows with their absent twins."""
    found = some(matrix, trial, TWINS.replace("(foreign|absent)", "foreign"), fast=fast, long=long)
    return [(act, role, scope) for act, role, _ in found for scope in ("foreign", "absent")]


@pytest.mark.torture("A-03")
def test_a_foreign_row_answers_like_none_to_the_byte(matrix: Matrix, trial: Trial) -> None:
    cells = pairs(matrix, trial, fast=10, long=800)
    found = matrix.run(cells).violations
    trial.report(n=len(cells), violations=len(found), first=found[:5])


@pytest.mark.control("A-03")
def test_an_answer_that_tells_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch, trial: Trial) -> None:
    def tell(self: object, request: object, opts: object, object_id: str) -> None:
        raise PermissionDenied

    monkeypatch.setattr("admin_site.base.ConsoleModelAdmin._get_obj_does_not_exist_redirect", tell)
    cells = some(matrix, trial, r"GET console/enrollments\.enrollment/record provider_admin \w+", fast=9, long=9)
    assert matrix.run(cells).violations


def unprotected(matrix: Matrix, trial: Trial, *, fast: int, long: int) -> tuple[int, list[str]]:
    """Posts of an administrator without the form's token that do not end in 403."""
    matrix._handler = ClientHandler(enforce_csrf_checks=True)
    matrix._handler.load_middleware()
    cells = some(
        matrix, trial, r"POST (?!plain/-/stripe).* platform_admin (-|tenant|mine|platform)", fast=fast, long=long
    )
    answers = {act.name: matrix.ask(act, matrix.people[role], scope).status for act, role, scope in cells}
    return len(cells), [name for name, status in answers.items() if status != 403]


@pytest.mark.torture("P-07")
def test_no_form_is_taken_without_its_token(matrix: Matrix, trial: Trial) -> None:
    asked, taken = unprotected(matrix, trial, fast=20, long=600)
    trial.report(n=asked, violations=len(taken), taken=taken[:5])


@pytest.mark.control("P-07")
def test_forms_without_tokens_are_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch, trial: Trial) -> None:
    monkeypatch.setattr(CsrfViewMiddleware, "process_view", lambda *_: None)
    assert unprotected(matrix, trial, fast=3, long=3)[1]


def differing(matrix: Matrix, trial: Trial, *, fast: int, long: int) -> tuple[int, list[str]]:
    """Dialogs whose answer is not what the explanation of the same act says."""
    from admin_site.site import console  # noqa: PLC0415 -- needs the settings

    acts = asked_acts(console)
    people = r"(attorney|counselor|provider_admin|owner|support|finance|platform_admin)"
    cells = some(matrix, trial, rf"GET console/.*/do:\w+ {people} (mine|firm|tenant|foreign)", fast=fast, long=long)
    found = []
    for act, role, scope in cells:
        status = matrix.ask(act, matrix.people[role], scope).status
        with as_system():
            row = act.model._base_manager.get(pk=matrix.objects.key(act.model, scope))
            actor, asker = load_actor(matrix.people[role].user), load_actor(matrix.people["platform_admin"].user)
        with acting(asker):
            told: Explanation = explanation_of(actor, acts[f"{act.noun}:{act.what.removeprefix('do:')}"], row)
        if (told.allowed or told.rule == "state") != (status == 200):
            found.append(f"{act.name} as {role} on {scope}: {status}, explained as {told.rule}")
    return len(cells), found


@pytest.mark.torture("A-01")
def test_explanations_say_what_happens(matrix: Matrix, trial: Trial) -> None:
    """UX-28, ENT-W02."""
    asked, found = differing(matrix, trial, fast=20, long=1200)
    trial.report(n=asked, violations=len(found), first=found[:5])


@pytest.mark.control("A-01")
def test_an_explanation_that_guesses_is_found_out(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch, trial: Trial
) -> None:
    monkeypatch.setattr("admin_site.views.why.explain", lambda *_, **__: Explanation(True, "guess", "Surely."))
    assert differing(matrix, trial, fast=12, long=12)[1]
