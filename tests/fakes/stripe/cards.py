"""Stripe's documented test card numbers that the hosted page knows. Any other number is refused and not kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """What a test number does: pay, be declined (`decline_code` set), be disputed afterwards, or refund slowly.

    `refund_status` is the status a refund of such a payment starts with.
    """

    number: str
    brand: str = "visa"
    error_code: str | None = None
    decline_code: str | None = None
    dispute_reason: str | None = None
    refund_status: str = "succeeded"

    @property
    def last4(self) -> str:
        return self.number[-4:]


SUCCESS = "4242424242424242"
DECLINED = "4000000000000002"
DISPUTED = "4000000000000259"
SLOW_REFUND = "4000000000007726"

CARDS = {
    card.number: card
    for card in (
        Card(SUCCESS),
        Card("5555555555554444", brand="mastercard"),
        Card("378282246310005", brand="amex"),
        Card(DECLINED, error_code="card_declined", decline_code="generic_decline"),
        Card("4000000000009995", error_code="card_declined", decline_code="insufficient_funds"),
        Card("4000000000009987", error_code="card_declined", decline_code="lost_card"),
        Card("4000000000000069", error_code="expired_card"),
        Card("4000000000000127", error_code="incorrect_cvc"),
        Card("4000000000000119", error_code="processing_error"),
        Card(DISPUTED, dispute_reason="fraudulent"),
        Card("4000000000002685", dispute_reason="product_not_received"),
        Card(SLOW_REFUND, refund_status="pending"),
    )
}


def find_card(typed: str) -> Card | None:
    """The test card for what was typed (spaces and dashes ignored), or None."""
    return CARDS.get(typed.replace(" ", "").replace("-", ""))
