from __future__ import annotations

import socket
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from config.faults import ConfigurationError
from config.knobs import ROOT
from config.startup import refuse_lies
from core.context import acting, system_actor
from jobs.actor import NoActor, create_actor, find_actor
from tasks.supervisor import Supervisor

WAIT_SECONDS = 1.0


class Command(BaseCommand):
    help = "Run jobs and schedules until SIGTERM or Ctrl-C. Waits for the database and its migrations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name",
            default=socket.gethostname(),
            help="its own name; a second worker on a machine needs another",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._await_database()
            refuse_lies()
            actor_id = _actor_id()
        except (NoActor, ConfigurationError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            return
        command = (sys.executable, str(ROOT / "manage.py"), "cluster")
        Supervisor(options["name"], command, {"WORKER_ACTOR_USER_ID": actor_id}).run()

    def _await_database(self) -> None:
        """Return once the database answers and holds every migration; say once what is waited for."""
        said = ""
        while what := _missing():
            if what != said:
                self.stderr.write(what)
                said = what
            time.sleep(WAIT_SECONDS)


def _missing() -> str:
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError:
        connections.close_all()
        return "Waiting for the database."
    return f"Waiting for {len(behind)} migrations." if behind else ""


def _actor_id() -> str:
    """The id of the worker's user. Where nobody's real data is at stake it is made when the knob is empty."""
    with acting(system_actor("worker")):
        if not settings.WORKER_ACTOR_USER_ID and settings.ENVIRONMENT in {"local", "demo"}:
            return str(create_actor(settings.WORKER_ACTOR_ROLE).pk)
        return str(find_actor(settings.WORKER_ACTOR_USER_ID, settings.WORKER_ACTOR_ROLE).pk)
