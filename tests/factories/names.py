"""The world by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class World:
    """What `build_world()` made: `world.provider_a`, `world.client_user_b`. Each read fetches the row afresh, past
    both nets, so that a test starts from what is really there."""

    def __init__(self, rows: dict[str, tuple[str, str]]) -> None:
        self._rows = rows

    @classmethod
    def load(cls, path: Path) -> World:
        return cls({name: (label, pk) for name, (label, pk) in json.loads(path.read_text()).items()})

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self._rows, indent=1))

    def names(self) -> list[str]:
        return sorted(self._rows)

    def pk(self, name: str) -> str:
        """The id of a row without reading it, for databases that Django is not connected to."""
        return self._rows[name][1]

    def __getattr__(self, name: str) -> Any:
        from django.apps import apps

        from tests.database import as_system

        if name.startswith("_") or name not in self._rows:
            raise AttributeError(name)
        label, pk = self._rows[name]
        with as_system():
            return apps.get_model(label)._base_manager.get(pk=pk)
