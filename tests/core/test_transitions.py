"""Every status has a table, and the table is the only way."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from audit.models import AuditEvent
from core.errors import DomainError
from core.models import Row
from core.transitions import can_move, transition
from enrollments.enums import EnrollmentStatus
from tests.database import as_system
from tests.factories.names import World


def state_fields() -> list[tuple[type[Row], str]]:
    return [(model, field) for model in apps.get_models() if issubclass(model, Row) for field in model.transitions]


def test_every_field_named_status_or_state_has_a_table() -> None:
    named = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if issubclass(model, Row)
        for field in model._meta.local_fields
        if field.name in ("status", "state") and field.choices
    }

    assert named - {f"{model._meta.label}.{field}" for model, field in state_fields()} == set()


@pytest.mark.parametrize(("model", "field"), state_fields(), ids=str)
def test_a_table_names_every_state_and_only_states(model: type[Row], field: str) -> None:
    states = {value for value, _ in model._meta.get_field(field).choices}
    table = model.transitions[field]

    assert set(table) == states
    assert set(itertools.chain.from_iterable(table.values())) <= states


ENROLLMENT_STEPS = [
    ("invited", "enrolled"), ("invited", "cancelled"), ("enrolled", "in_progress"), ("enrolled", "cancelled"),
    ("in_progress", "review"), ("in_progress", "cancelled"), ("review", "completed"), ("review", "in_progress"),
    ("review", "cancelled"), ("completed", "cert_issued"), ("cert_issued", "filed"),
]  # fmt: skip


@pytest.mark.django_db
def test_an_enrollment_takes_exactly_the_listed_steps(world: World) -> None:
    """CERT-62: all pairs tried; only listed transitions pass."""
    enrollment = world.invited_a
    passed = []
    for before, after in itertools.product(EnrollmentStatus.values, repeat=2):
        enrollment.status = before
        if can_move(enrollment, after):
            passed.append((before, after))

    assert sorted(passed) == sorted(ENROLLMENT_STEPS)


@pytest.mark.django_db
def test_a_step_writes_the_status_history_with_its_reason_and_one_event(world: World) -> None:
    """CERT-129."""
    with as_system("review"):
        before = AuditEvent.objects.count()
        moved = transition(world.invited_a, EnrollmentStatus.CANCELLED, reason="Client asked for it")
        event = AuditEvent.objects.latest("id")
        newest: Any = moved.history.latest()

    assert moved.status == EnrollmentStatus.CANCELLED
    assert (newest.status, newest.history_change_reason) == ("cancelled", "Client asked for it")
    assert (event.act, event.target_id, event.payload["from"], event.payload["to"]) == (
        "enrollment.cancelled", str(moved.pk), "invited", "cancelled",
    )  # fmt: skip
    with as_system():
        assert AuditEvent.objects.count() == before + 1


@pytest.mark.django_db
def test_a_step_that_is_not_listed_changes_nothing(world: World) -> None:
    with as_system():
        before = AuditEvent.objects.count()
        with pytest.raises(DomainError) as refusal:
            transition(world.invited_a, EnrollmentStatus.FILED)
        assert AuditEvent.objects.count() == before

    assert refusal.value.code == "transition_not_allowed"
    assert world.invited_a.status == EnrollmentStatus.INVITED


@pytest.mark.django_db
def test_a_guard_stops_a_step_with_its_own_code(world: World) -> None:
    def closed(row: models.Model) -> DomainError | None:
        return DomainError("reason_required")

    with as_system(), pytest.raises(DomainError) as refusal:
        transition(world.invited_a, EnrollmentStatus.CANCELLED, guards=(closed,))

    assert refusal.value.code == "reason_required"
    assert world.invited_a.status == EnrollmentStatus.INVITED
