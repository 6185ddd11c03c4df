from django.apps import AppConfig

from core.apps import core_config


class AuditConfig(AppConfig):
    """Evidence: append-only, hash-chained, provable."""

    name = "audit"

    def ready(self) -> None:
        from audit import services  # noqa: PLC0415 -- models must be loaded first

        core_config().record = services.record
