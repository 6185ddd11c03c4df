from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Fees, waivers, and the card gateway."""

    name = "payments"

    def ready(self) -> None:
        from payments import errors  # noqa: F401, PLC0415 -- declares the room's error codes once
        from payments.services import giving_back  # noqa: PLC0415 -- models must be loaded first

        giving_back.declare()
