from django.apps import AppConfig


class EnrollmentsConfig(AppConfig):
    """Clients, their households, and their places in a course."""

    name = "enrollments"

    def ready(self) -> None:
        from enrollments import errors  # noqa: F401, PLC0415 -- codes are declared once the registry stands
