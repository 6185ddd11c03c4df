"""Fixtures for every test. Those of `tests.database`, named here, win over pytest-django's."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from tests.database import django_db_setup

__all__ = ["django_db_setup"]


@pytest.fixture(autouse=True)
def _language_of_the_test_ends_with_it() -> Iterator[None]:
    """A request for a Spanish page leaves its language behind in the thread."""
    yield
    translation.deactivate()
