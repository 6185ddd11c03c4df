from django.apps import AppConfig


class CoursesConfig(AppConfig):
    """Courses, and the verified time people spend in them."""

    name = "courses"

    def ready(self) -> None:
        from courses import errors, guards  # noqa: F401, PLC0415 -- declared once the registry is ready
        from enrollments.enums import EnrollmentStatus  # noqa: PLC0415 -- as above
        from enrollments.guards import add_guards  # noqa: PLC0415 -- as above

        add_guards(EnrollmentStatus.IN_PROGRESS, *guards.REVIEW_GUARDS)
