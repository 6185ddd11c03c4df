"""Migrations in a fraction of the time: what changes one model renders that model alone.

After each operation Django renders the model again together with all it is linked to. Here that is nearly every model,
because people and organizations are linked to nearly everything. A new model, index, constraint or trigger changes no
other model, so its neighbors may stay as they are. A migration that runs Python still gets all models freshly rendered:
Django throws away a state that is marked as delayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from django.db.migrations.state import ProjectState

# Methods of a state after which one model differs and no other.
CHANGE_ONE = ("add_model", "_append_option")


@contextmanager
def alone() -> Iterator[None]:
    """Within the block, states render a model alone after a change that concerns no other."""
    with (
        patch.object(ProjectState, CHANGE_ONE[0], _narrowed(getattr(ProjectState, CHANGE_ONE[0]))),
        patch.object(ProjectState, CHANGE_ONE[1], _narrowed(getattr(ProjectState, CHANGE_ONE[1]))),
    ):
        yield


def _narrowed(change: Callable[..., None]) -> Callable[..., None]:
    @wraps(change)
    def narrowed(state: ProjectState, *args: Any) -> None:
        with patch.object(ProjectState, "_find_reload_model", _itself):
            change(state, *args)

    return narrowed


def _itself(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[tuple[str, str]]:
    state.is_delayed = True
    return {(app_label, model_name.lower())}
