from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.enums import Language
from core.context import acting, system_actor
from notifications.enums import DeliveryResult
from notifications.models import NotificationDelivery
from notifications.services import give_up, record_attempt, write_message
from notifications.transports import attempt

ENVIRONMENTS = ("local", "test", "demo", "staging", "production")


class Command(BaseCommand):
    help = "Send a test mail now and make sure that its delivery is on record; exit code 1 when either fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, help="the address that gets the mail")
        parser.add_argument(
            "--env",
            choices=ENVIRONMENTS,
            default=settings.ENVIRONMENT,
            help="whose knobs to use, from .env.<env>.local",
        )
        parser.add_argument("--dotenv", type=Path, help="file with the knobs, instead of the one --env names")
        parser.add_argument("--language", choices=Language.values, default=Language.ENGLISH)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["to"])
        except ValidationError:
            raise CommandError("--to is no e-mail address.") from None
        file = _dotenv(options["env"], options["dotenv"])
        if not _is_ours(options["env"], file):
            sys.exit(_run_there(options, file))
        delivery = _send(options["to"], options["language"])
        if delivery.result != DeliveryResult.ACCEPTED:
            raise CommandError(f"{delivery.provider}: {delivery.get_result_display()}. {delivery.error}")
        called = f", there called {delivery.provider_id}" if delivery.provider_id else ""
        self.stdout.write(f"Sent through {delivery.provider}{called}. Kept as delivery {delivery.pk}.")


def _dotenv(environment: str, told: Path | None) -> Path | None:
    """The file with the knobs; None when this process's own are meant."""
    if told is not None:
        if not told.is_file():
            raise CommandError(f"--dotenv: {told} is no file.")
        return told.resolve()
    usual = settings.ROOT / f".env.{environment}.local"
    if usual.is_file():
        return Path(usual)
    if environment != settings.ENVIRONMENT:
        raise CommandError(f"There is no {usual.name}; name a file with --dotenv.")
    return None


def _is_ours(environment: str, file: Path | None) -> bool:
    """Whether this process already has the knobs that are meant."""
    return environment == settings.ENVIRONMENT and (file is None or os.environ.get("DOTENV_CONFIG_PATH") == str(file))


def _run_there(options: dict[str, Any], file: Path | None) -> int:
    """The same command in a process that starts with the other knobs."""
    arguments = ["--to", options["to"], "--env", options["env"], "--language", options["language"]]
    knobs = {"ENVIRONMENT": options["env"]}
    if file is not None:
        arguments += ["--dotenv", str(file)]
        knobs["DOTENV_CONFIG_PATH"] = str(file)
    command = [sys.executable, str(settings.ROOT / "manage.py"), "ops_test_email", *arguments]
    return subprocess.run(command, env=os.environ | knobs, check=False).returncode


def _send(to: str, language: str) -> NotificationDelivery:
    """Write, send and record in one go; returns the delivery as the database kept it."""
    key = f"ops.test:{uuid.uuid4().hex}"
    facts = {"rows": [("ENVIRONMENT", settings.ENVIRONMENT), ("MAIL_TRANSPORT", settings.MAIL_TRANSPORT)]}
    with acting(system_actor("ops_test_email")):
        message = write_message("ops.test", to=to, language=language, context=facts, dedupe_key=key)
        delivery = attempt(message, idempotency_key=key)
        record_attempt(message, delivery)
        if delivery.result != DeliveryResult.ACCEPTED:
            give_up(message)
    with acting(system_actor("ops_test_email")):
        kept = NotificationDelivery.objects.filter(pk=delivery.pk).first()
    if kept is None:
        raise CommandError("The mail left, but no delivery was kept.")
    return kept
