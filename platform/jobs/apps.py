from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Durable background work: our record, and the queue that carries its id."""

    name = "jobs"

    def ready(self) -> None:
        from jobs import errors  # noqa: F401, PLC0415 -- declares the room's error codes once
