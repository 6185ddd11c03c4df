"""Whose row: for every model one row of each kind, found by its foreign keys and not by the product's own scopes.

mine      belongs to tenant A and to its client            firm      belongs to tenant A's law firm
tenant    belongs to tenant A, and neither of the two      foreign   belongs to tenant B, not to its law firm
their_firm    belongs to tenant B's law firm
platform  belongs to nobody                                absent, malformed   there is none
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.apps import apps
from django.db import models

from tests.database import as_system
from tests.factories.names import World

SCOPES = ("mine", "firm", "tenant", "foreign", "their_firm", "platform", "absent", "malformed")
NO_ROW = "-"
ABSENT = "0197c0de-0000-7000-8000-000000000000"
ABSENT_NUMBER = "987654321"
MALFORMED = "zz'--1"
Key = tuple[str, str]


class Objects:
    """Every row of the world, sorted by whose it is."""

    def __init__(self, world: World, preferred: dict[tuple[str, str], str] | None = None) -> None:
        self.world = world
        self.preferred = preferred or {}
        with as_system():
            self._links = _links()
            seeds = {
                "mine": _keys(world.client_user_a),
                "firm": _keys(world.firm_a, world.attorney_a),
                "tenant": _keys(*_people(world, "a"), world.provider_a),
                "foreign": _keys(*_people(world, "b"), world.provider_b, world.client_user_b),
                "their_firm": _keys(world.firm_b, world.attorney_b),
            }
            self.of = {name: self._below(found) for name, found in seeds.items()}
        self.of["platform"] = set(self._links) - set().union(*self.of.values())
        # Somebody with a hat in both tenants belongs to neither alone; such a row stands for no kind.
        both = self._below(_keys(world.two_hats))
        theirs = self.of["foreign"] | self.of["their_firm"]
        self.of["foreign"] -= self.of["their_firm"] | both
        self.of["their_firm"] -= both
        self.of["firm"] -= theirs | both
        self.of["mine"] -= theirs | self.of["firm"] | both
        self.of["tenant"] -= theirs | self.of["mine"] | self.of["firm"] | both
        self.of["platform"] -= both

    def rows(self, model: type[models.Model], scope: str) -> list[Any]:
        """The keys of a model's rows of one kind, in a steady order."""
        label = model._meta.label_lower
        found = [key for key in self.of.get(scope, ()) if key[0] == label]
        return [pk for _, pk in sorted(found, key=lambda key: (self._mixed(key, scope), key))]

    def _mixed(self, key: Key, scope: str) -> int:
        """How many of its parents are of another kind: rows that hang together stand first."""
        return len(
            {
                target
                for target in self._links[key]
                if any(target in rows for name, rows in self.of.items() if name not in {scope, "tenant", "platform"})
            }
        )

    def key(self, model: type[models.Model], scope: str) -> str | None:
        """An id to ask for; None when the model has no such row."""
        if scope == "absent":
            return ABSENT if isinstance(model._meta.pk, models.UUIDField) else ABSENT_NUMBER
        if scope == "malformed":
            return MALFORMED
        named = self.preferred.get((model._meta.label_lower, scope))
        if named is not None:
            return named
        found = self.rows(model, scope)
        return found[0] if found else None

    def scopes_of(self, model: type[models.Model]) -> list[str]:
        return [scope for scope in SCOPES if self.key(model, scope) is not None]

    def _below(self, seeds: set[Key]) -> set[Key]:
        """The seeds and whatever points at them, at any distance."""
        found, fresh = set(seeds), set(seeds)
        while fresh:
            fresh = {key for key, targets in self._links.items() if key not in found and targets & found}
            found |= fresh
        return found


def _people(world: World, letter: str) -> list[models.Model]:
    return [getattr(world, f"{name}_{letter}") for name in ("provider_admin", "counselor", "owner", "spouse_user")]


def _keys(*rows: models.Model) -> set[Key]:
    return {(row._meta.label_lower, str(row.pk)) for row in rows}


def _links() -> dict[Key, set[Key]]:
    """What every row points at. Rows that only say who did something, or when, do not belong to that person."""
    found: dict[Key, set[Key]] = defaultdict(set)
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        foreign = [column for column in model._meta.fields if column.is_relation and column.name not in _AUTHORS]
        columns = [column.attname for column in foreign]
        originals = dict(model._base_manager.values_list("pk", "id")) if hasattr(model, "instance_type") else {}
        for pk, *targets in model._base_manager.values_list("pk", *columns):
            key = (model._meta.label_lower, str(pk))
            found[key] |= {
                (column.related_model._meta.label_lower, str(target))
                for column, target in zip(foreign, targets, strict=True)
                if target is not None
            }
            if hasattr(model, "instance_type"):
                found[key].add((model.instance_type._meta.label_lower, str(originals[pk])))
    return found


_AUTHORS = frozenset({"counselor", "completed_by", "history_user", "directed_by", "decided_by", "invited_by",
                      "accepted_by", "recorded_by", "issued_by", "district", "content_type", "permission"})  # fmt: skip
