"""The product's settings with django-q2 as it comes: its own broker, its own queue table. For the baseline only."""

from __future__ import annotations

import os

from config.settings import *  # noqa: F403 -- everything else stays
from config.settings import Q_CLUSTER as OURS

Q_CLUSTER = {name: value for name, value in OURS.items() if name != "broker_class"} | {
    "save_limit": int(os.environ["PACKAGE_SAVE_LIMIT"]),
    "poll": 0.2,
}
