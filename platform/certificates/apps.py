from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    """Certificates, their official numbers, and their way to the court."""

    name = "certificates"

    def ready(self) -> None:
        from certificates import errors, guards  # noqa: F401, PLC0415 -- texts need the loaded settings
        from enrollments.enums import EnrollmentStatus  # noqa: PLC0415 -- as above
        from enrollments.guards import add_guards  # noqa: PLC0415 -- as above

        add_guards(EnrollmentStatus.REVIEW, *guards.COMPLETION_GUARDS)
