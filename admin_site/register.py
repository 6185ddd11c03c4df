"""The one way into the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models

from admin_site.base import ConsoleModelAdmin
from admin_site.site import console


def console_register(*model_classes: type[models.Model]) -> Callable[[type[Any]], type[Any]]:
    """Register an admin class for models in the console; ImproperlyConfigured unless it is a ConsoleModelAdmin.

    @console_register(Certificate)
    class CertificateAdmin(ConsoleModelAdmin): ...
    """

    def register(admin_class: type[Any]) -> type[Any]:
        if not issubclass(admin_class, ConsoleModelAdmin):
            raise ImproperlyConfigured(f"{admin_class.__name__} must derive from ConsoleModelAdmin.")
        console.register(model_classes, admin_class)
        return admin_class

    return register
