from django.apps import AppConfig


class ListsConfig(AppConfig):
    """How people look at lists: saved views, and changes made to many rows at once."""

    name = "lists"

    def ready(self) -> None:
        from lists import errors  # noqa: F401, PLC0415 -- declares the room's codes
