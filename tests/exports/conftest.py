"""Private files in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_a_folder(folder: Path) -> None:
    """For every test of exports."""
