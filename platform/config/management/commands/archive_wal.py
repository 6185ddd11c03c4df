from __future__ import annotations

import signal
import subprocess
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.backups.knobs import told_source, told_store
from config.backups.making import WrongRole, keep_log, start_receiving
from core import clock


class Command(BaseCommand):
    help = "Receive the database's log of changes and keep it sealed beside the backups, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=10, help="seconds between two looks; what a crash may cost")

    def handle(self, *args: Any, **options: Any) -> None:
        store = told_store()
        spool = store.folder / "spool"
        signal.signal(signal.SIGTERM, _stop)
        try:
            receiving = start_receiving(told_source(), spool)
        except WrongRole as error:
            raise CommandError(str(error)) from None
        except subprocess.CalledProcessError as error:
            raise CommandError(error.stderr or str(error)) from None
        try:
            while receiving.poll() is None:
                time.sleep(options["every"])
                keep_log(store, spool, clock.now())
        except KeyboardInterrupt:
            return
        finally:
            receiving.terminate()
            receiving.wait()
            keep_log(store, spool, clock.now())
        raise CommandError(f"The receiver ended with code {receiving.returncode}.")


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
