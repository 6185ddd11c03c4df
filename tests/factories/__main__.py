"""Fill a fresh database with the world and write its names to a file: `python -m tests.factories NAMES.json`."""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from core.context import acting, system_actor  # noqa: E402 -- Django must be set up first
from tests.factories.names import World  # noqa: E402 -- Django must be set up first
from tests.factories.world import build_world  # noqa: E402 -- Django must be set up first

with acting(system_actor("build world")):
    rows = build_world()
World({name: (row._meta.label, str(row.pk)) for name, row in rows.items()}).save(Path(sys.argv[1]))
