from __future__ import annotations

import io
import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.table import Table

from core import clock
from core.context import acting
from courses.content import load_all
from website.demo.journeys import play_all
from website.demo.organizations import gather
from website.demo.script import logins
from website.demo.stage import SYSTEM


class Command(BaseCommand):
    help = "Fill the database with the people of fixtures/demo, each as far on their way as the file says; repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--logins", action="store_true", help="only print who can sign in, and where to look")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing; what is there stays as it is. Never in production: everybody knows the password."""
        if settings.ENVIRONMENT == "production":
            raise CommandError("There are no demo people in production: their password is public.")
        if options["logins"]:
            self.stdout.write(_table())
            return
        logging.disable(logging.INFO)  # every job it works off would say so
        now = clock.now()
        with acting(SYSTEM):
            load_all()
        with acting(SYSTEM), transaction.atomic():
            cast = gather(now)
        with acting(SYSTEM):
            fresh = play_all(cast, now)
        self.stdout.write(f"{fresh} new clients. Log-ins: manage.py seed_demo --logins")


def _table() -> str:
    table = Table("Who", "Name", "E-mail", "Password", "Where to look", box=None, pad_edge=False)
    for login in logins():
        table.add_row(login.who, login.name, login.email, login.password or "-", login.look)
    page = io.StringIO()
    Console(file=page, width=190).print(table)
    return page.getvalue()
