from __future__ import annotations

import subprocess
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.backups.knobs import told_source, told_store
from config.backups.making import WrongRole, make_backup
from core import clock


class Command(BaseCommand):
    help = "Back up the cluster and the private files into BACKUP_DIR, sealed, check the result, keep the last thirty."

    def handle(self, *args: Any, **options: Any) -> None:
        store = told_store()
        try:
            folder = make_backup(store, told_source(), clock.now())
        except WrongRole as error:
            raise CommandError(str(error)) from None
        except subprocess.CalledProcessError as error:
            raise CommandError(error.stderr or str(error)) from None
        good, faults = store.judge(clock.now())
        if good != folder:
            raise CommandError(f"The new backup is not good: {faults.get(folder.name)}")
        store.tidy()
        self.stdout.write(str(folder))
