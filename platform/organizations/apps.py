from django.apps import AppConfig

from core.apps import core_config


class OrganizationsConfig(AppConfig):
    """Organizations, who belongs to them, and what a role may do."""

    name = "organizations"

    def ready(self) -> None:
        from organizations import actors, errors  # noqa: F401, PLC0415 -- models must be loaded first

        core = core_config()
        core.narrow = actors.narrow
        core.actor_of = actors.actor_of
