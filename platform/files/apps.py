from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Private files behind short links bound to a person."""

    name = "files"

    def ready(self) -> None:
        from files import errors  # noqa: F401, PLC0415 -- declares the room's codes
