from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.backups.knobs import told_store
from config.backups.restoring import NotRestored, restore
from config.backups.vault import Rotten
from config.faults import ServerError
from config.knobs import ROOT
from config.postgres import Cluster
from core import clock

CHECKS = (("check_rls", "--json"), ("verify_audit", "--json"))


class Command(BaseCommand):
    help = "Build a new cluster from the newest good backup and its log, and check policies and evidence in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, required=True, help="an empty folder for the new cluster")
        parser.add_argument("--backup", help="the name of one backup, instead of the newest good one")
        parser.add_argument("--until", type=dt.datetime.fromisoformat, help="stop at this moment (ISO, with zone)")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        store = told_store()
        if options["backup"]:
            backup: Path | None = store.base / options["backup"]
        else:
            backup, _faults = store.judge(clock.now())
        if backup is None:
            raise CommandError("There is no good backup.")
        try:
            cluster = restore(store, backup, options["to"].resolve(), until=options["until"])
        except (NotRestored, Rotten, ServerError) as error:
            raise CommandError(str(error)) from None
        report = {"backup": backup.name, "port": cluster.port} | _checks(cluster, options["to"].resolve())
        report["seconds"] = round(time.monotonic() - began, 1)
        self.stdout.write(json.dumps(report))
        if not report["ok"]:
            raise CommandError("The restored cluster is up, but its checks found something.")


def _checks(cluster: Cluster, local: Path) -> dict[str, Any]:
    """What the product's own checks say inside the new cluster."""
    names = ("DATABASE_URL", "WORKER_DATABASE_URL", "READONLY_DATABASE_URL")
    environment = os.environ | dict.fromkeys(names, cluster.dsn("app_worker"))
    environment |= {"FILES_DIR": str(local / "files"), "CERTAOS_PROCESS": "worker"}
    said: dict[str, Any] = {}
    for command in CHECKS:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        said[command[0]] = json.loads(done.stdout) if done.stdout.startswith("{") else done.stderr[-500:]
        said["ok"] = said.get("ok", True) and done.returncode == 0
    return said
