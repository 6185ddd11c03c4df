"""The application that carries the house's own management commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Knobs, database access and their commands; no models."""

    name = "config"
    verbose_name = "Configuration"
