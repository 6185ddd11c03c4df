from django.apps import AppConfig


class ProofsConfig(AppConfig):
    """The nightly proof that our books and the gateway's agree."""

    name = "proofs"

    def ready(self) -> None:
        from proofs import errors  # noqa: F401, PLC0415 -- declares the room's codes
