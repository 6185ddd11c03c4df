from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core.context import acting, system_actor
from courses.content import load_all


class Command(BaseCommand):
    help = "Load the courses and disclosures of fixtures/ that the database does not have yet."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(system_actor("load content")):
            courses, disclosures = load_all()
        self.stdout.write(f"{courses} new courses, {disclosures} new disclosure versions.")
