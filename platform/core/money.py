"""Money is an integer of minor units with an ISO 4217 code; this module only shows and checks it."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language


def format_minor(amount: int, currency: str = "USD", locale: str | None = None) -> str:
    """`amount` minor units as people of `locale` (default: the active language) write it: 5000, USD → $50.00."""
    language = (locale or get_language() or "en").replace("-", "_")
    language = {"en": "en_US", "es": "es_US"}.get(language, language)
    return format_currency(Decimal(amount).scaleb(-get_currency_precision(currency)), currency, locale=language)
