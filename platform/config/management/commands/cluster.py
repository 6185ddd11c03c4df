from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tasks.cluster import run_cluster


class Command(BaseCommand):
    help = "The processes of a worker. Started and watched by manage.py worker, never by hand."

    def handle(self, *args: Any, **options: Any) -> None:
        run_cluster()
