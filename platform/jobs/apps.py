from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Durable background work: our record, and the queue that carries its id."""

    name = "jobs"
