"""The product pointed at a running fake Stripe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.fakes.stripe import FakeStripe

SECRET = "whsec_for_payments"


@pytest.fixture
def fake(settings: Settings) -> Iterator[FakeStripe]:
    """A fake Stripe that keeps its events to itself until a test brings them."""
    with FakeStripe(webhook_secret=SECRET) as running:
        settings.STRIPE_SECRET_KEY = running.api_key
        settings.STRIPE_API_BASE = running.url
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        yield running
