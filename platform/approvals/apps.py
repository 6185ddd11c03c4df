from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Acts that need a second person: who asked, what was seen, who decided."""

    name = "approvals"

    def ready(self) -> None:
        from approvals import errors  # noqa: F401, PLC0415 -- declares the room's error codes once
