from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and how they sign in."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import errors, receivers  # noqa: F401, PLC0415 -- models must be loaded first
