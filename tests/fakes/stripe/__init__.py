"""A stand-in for Stripe that the real SDK talks to over loopback, for tests and for the demo.

It keeps real state (sessions, payments, refunds, disputes, events, idempotency keys), sends real signed webhooks,
can be told to misbehave in chosen ways, and keeps a book of all money that moved so that a test can judge by it
instead of by the product's own records. No money moves and no card data is kept beyond brand and last four digits.

In a test: `with FakeStripe(webhook_url=…, webhook_secret=…) as fake:` and
`StripeClient(fake.api_key, base_addresses={"api": fake.url})`. Payers, banks, faults and the book are methods of
`fake`; mischief is set on `fake.knobs`. As a process: `python -m tests.fakes.stripe --help`; the same calls are then
JSON under `/_control/`, which lists them.
"""

from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.fake import FakeStripe
from tests.fakes.stripe.knobs import Knobs

__all__ = ["Clock", "FakeStripe", "Knobs"]
