from __future__ import annotations

from tests.payments.conftest import fake

__all__ = ["fake"]
