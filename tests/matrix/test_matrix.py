"""Section 3 of the trials: every act, every role, every kind of row, judged by the written policy."""

from __future__ import annotations

import pytest

from tests.matrix.fill import address, model_of
from tests.matrix.objects import NO_ROW, Objects
from tests.matrix.runner import Cell, Matrix, Result, keep
from tests.trials import LONG, Trial

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix")]

# Whose every answer is worth a look in the short form: nobody, the narrowest staff role, the widest reading one.
WATCHED = frozenset({"anonymous", "attorney", "support"})


def cut(matrix: Matrix, trial: Trial) -> list[Cell]:
    """All cells at length; in the suite a sample, half of it from the watched roles. A row's foreign and absent twin
    come along, so that their answers can be compared."""
    cells = matrix.cells()
    if LONG:
        return cells
    watched = [cell for cell in cells if cell[1] in WATCHED]
    others = [cell for cell in cells if cell[1] not in WATCHED]
    picked = trial.random.sample(watched, 150) + trial.random.sample(others, 150)
    twins = [(act, role, scope) for act, role, mark in picked if mark == "foreign" for scope in ("absent",)]
    known = set(cells)
    return list(dict.fromkeys([*picked, *(cell for cell in twins if cell in known)]))


def test_every_address_can_be_filled(matrix: Matrix) -> None:
    """An act nobody can ask for is not tested; none is skipped."""
    person = matrix.people["provider_admin"]
    for act in matrix.acts:
        model = model_of(act)
        for scope in matrix.objects.scopes_of(model) if model is not None else [NO_ROW]:
            assert address(act, scope, matrix.objects, person), act


def test_every_act_is_listed_and_every_rule_is_used(matrix: Matrix) -> None:
    """Default deny is no excuse for silence: an act without a rule, and a rule without a cell, are mistakes."""
    assert [act.name for act in matrix.acts if not matrix.policy.names(act)] == []
    for act in matrix.acts:
        model = model_of(act)
        for scope in matrix.objects.scopes_of(model) if model is not None else [NO_ROW]:
            for role in matrix.people:
                matrix.policy.verdict(act, role, scope)
    assert matrix.policy.dead() == []


def test_every_kind_of_row_is_there(matrix: Matrix) -> None:
    """A tenant's model without a row of tenant B would never be asked for a foreign one."""
    without = {
        str(model)
        for model in {model_of(act) for act in matrix.acts} - {None}
        if not {"foreign", "their_firm", "platform"} & set(matrix.objects.scopes_of(model))
    }
    assert without == set()


@pytest.mark.timeout(1800)
@pytest.mark.torture("A-01", "L-02")
def test_no_answer_differs_from_the_policy(matrix: Matrix, laid_open: tuple[Objects, int], trial: Trial) -> None:
    cells = cut(matrix, trial)
    result = matrix.run(cells)
    keep(result, seed=trial.seed, long=LONG, canaries=laid_open[1])
    shown = "\n".join(result.violations[:40])
    trial.report(
        n=len(cells), violations=len(result.violations), acts=result.acts, void=len(result.void),
        void_cells=result.void_cells, unlisted=len(result.unlisted), first=shown,
    )  # fmt: skip
    assert not result.unlisted
    if LONG:
        _enough_is_proven(result)


def _enough_is_proven(result: Result) -> None:
    """A refused body that nobody can send with success proves nothing; few may be left."""
    posts = [name for name in result.posted if name.startswith("POST console/")]
    void = [name for name in result.void if name.startswith("POST console/")]
    assert len(void) <= 0.25 * len(posts), sorted(void)
    assert result.void_cells <= 0.01 * result.cells, sorted(result.void)
