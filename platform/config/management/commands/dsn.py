"""``manage.py dsn``: one connection string per database role, for psql and for tools."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.env import Role, env

LABELS: dict[str, Role] = {"owner": "owner", "app_web": "web", "app_worker": "worker", "app_ro": "readonly"}


class Command(BaseCommand):
    """Print the connection strings, passwords included: that is what they are for."""

    help = "Prints one line per database role: its label and its connection string."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for label, role in LABELS.items():
            self.stdout.write(f"{label} {env.database_url(role)}")
