from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """Judicial districts, approvals per district, and who applies to become a provider."""

    name = "providers"

    def ready(self) -> None:
        from providers import errors  # noqa: F401, PLC0415 -- codes are declared once the registry stands
