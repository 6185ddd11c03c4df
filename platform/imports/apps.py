from django.apps import AppConfig


class ImportsConfig(AppConfig):
    """Files that people bring in: each a run with its rows, outcomes, and the way back."""

    name = "imports"

    def ready(self) -> None:
        from imports import errors  # noqa: F401, PLC0415 -- declares the room's codes
