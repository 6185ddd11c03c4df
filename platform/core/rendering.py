"""Migrations in a fraction of the time: what changes one model renders that model alone.

After each operation Django renders the model again together with all it is linked to. Here that is nearly every model,
because people and organizations are linked to nearly everything. A new model, index, constraint or trigger changes no
other model, so its neighbors may stay as they are. A migration that runs Python still gets all models freshly rendered:
Django throws away a state that is marked as delayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from django.db.migrations.state import ProjectState

# Methods of a state after which one model differs and no other.
CHANGE_ONE = ("add_model", "_append_option")


@contextmanager
def alone() -> Iterator[None]:
    """Within the block, states render a model alone after a change that concerns no other."""
    with ExitStack() as stack:
        for name in CHANGE_ONE:
            stack.enter_context(_replaced(name, _narrowed(getattr(ProjectState, name))))
        yield


@contextmanager
def _replaced(name: str, method: Callable[..., Any]) -> Iterator[None]:
    usual = getattr(ProjectState, name)
    setattr(ProjectState, name, method)
    try:
        yield
    finally:
        setattr(ProjectState, name, usual)


def _narrowed(change: Callable[..., None]) -> Callable[..., None]:
    @wraps(change)
    def narrowed(state: ProjectState, *args: Any) -> None:
        with _replaced("_find_reload_model", _itself):
            change(state, *args)

    return narrowed


def _itself(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[tuple[str, str]]:
    state.is_delayed = True
    return {(app_label, model_name.lower())}
