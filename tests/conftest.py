"""Fixtures for every test. Those of `tests.database`, named here, win over pytest-django's."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from tests import trials
from tests.bench.results import measured
from tests.bench.volume import volume
from tests.database import django_db_setup
from tests.storage import folder
from tests.trials import trial

__all__ = ["django_db_setup", "folder", "measured", "trial", "volume"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    trials.leave_out(config, items)


@pytest.fixture(autouse=True)
def _language_of_the_test_ends_with_it() -> Iterator[None]:
    """A request for a Spanish page leaves its language behind in the thread."""
    yield
    translation.deactivate()
