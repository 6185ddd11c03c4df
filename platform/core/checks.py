"""System checks that refuse a model outside the two nets."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from core.models import Row
from core.scope import scope_of


@register()
def check_scopes(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every table states who may reach its rows."""
    found: list[CheckMessage] = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy:
            continue
        try:
            scope_of(model)
        except ImproperlyConfigured as error:
            found.append(Error(str(error), hint="Declare scope = Scope(...).", obj=model, id="certaos.E001"))
    return found


@register()
def check_privacy(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every text column of ours carries a privacy class."""
    found: list[CheckMessage] = []
    for model in apps.get_models():
        if not issubclass(model, Row) and not hasattr(model, "privacy"):
            continue
        for field in model._meta.local_fields:
            is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
            if is_text and not field.choices and field.name not in model.privacy:
                message = f"{model._meta.label}.{field.name} carries no privacy class."
                found.append(Error(message, hint="Add it to `privacy`.", obj=model, id="certaos.E002"))
    return found
