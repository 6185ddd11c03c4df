from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from django.apps import AppConfig, apps

if TYPE_CHECKING:
    from django.http import HttpRequest

    from core.context import Actor
    from core.scope import Scope


class CoreConfig(AppConfig):
    """What every room stands on.

    Core knows no room; rooms hand in what it needs when they are ready:
    narrow      keeps of an actor only the memberships and grants that carry a permission (organizations)
    actor_of    loads the actor of a signed-in request (organizations)
    record      appends an audit event (audit)
    """

    name = "core"
    external_scopes: Mapping[str, Scope]
    narrow: Callable[[Actor, str], Actor]
    actor_of: Callable[[HttpRequest], Actor]
    record: Callable[..., None]

    def ready(self) -> None:
        from core import checks, external_scopes, labels, messages  # noqa: F401, PLC0415 -- models must be loaded first

        self.external_scopes = external_scopes.SCOPES
        labels.name_fields()


def core_config() -> CoreConfig:
    """What the rooms handed in; available once Django is set up."""
    return cast("CoreConfig", apps.get_app_config(CoreConfig.name))
