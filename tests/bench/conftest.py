"""Measurements run alone and in order; what they found becomes RESULTS.md."""

from __future__ import annotations

import pytest

from tests.bench.results import write


def pytest_sessionfinish(session: pytest.Session) -> None:
    write()
