from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from audit.models import Level
from audit.services import note
from config.backups.knobs import told_store
from config.backups.store import LIST
from core import clock
from core.context import acting, system_actor


class Command(BaseCommand):
    help = "Open every backup newer than the newest good one; ends with 1 and raises the alarm when that is too old."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-age-hours", type=float, default=26, help="how old the newest good one may be")

    def handle(self, *args: Any, **options: Any) -> None:
        store = told_store()
        good, faults = store.judge(clock.now())
        for name, found in faults.items():
            for fault in found:
                self.stderr.write(f"{name}: {fault}")
        if good is None:
            self._alarm("There is no good backup.")
        else:
            age = clock.now() - dt.datetime.fromisoformat(store.vault.read_list(good / LIST)["made_at"])
            if age > dt.timedelta(hours=options["max_age_hours"]):
                self._alarm(f"The newest good backup is {age.total_seconds() / 3600:.1f} hours old.")
            if not faults:
                self.stdout.write(f"{good.name} is good.")
        if faults:
            self._alarm(f"{len(faults)} backups are rotten.")

    @staticmethod
    def _alarm(what: str) -> None:
        try:
            with acting(system_actor("verify_backup")):
                note("backup", what, level=Level.ERROR)
        except DatabaseError:
            what += " The database does not answer, so the alarm stands here only."
        raise CommandError(what)
