"""Names of fields that declare none: the attribute's name, made translatable."""

from __future__ import annotations

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


def name_fields() -> None:
    """Let the plain names that Django makes from attributes (`created_at`: "created at") pass through gettext.

    Migrations do not see it: a field is written down with the name it was declared with, which is none.
    """
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if not isinstance(field.verbose_name, Promise):
                field.verbose_name = gettext_lazy(str(field.verbose_name))
