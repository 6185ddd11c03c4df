"""The knobs of this process, read and judged once: ``from config.env import env``.

Read from the process environment, then from the files that ``NAME_FILE`` variables point at, then from the dotenv
file (``.env.local``, or the one ``DOTENV_CONFIG_PATH`` names). A wrong value stops the start with one message that
lists every fault by the knob's name and never shows a value. No Django here: settings, the demo and tools read it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import postgres
from config.faults import ConfigurationError
from config.knobs import LOCAL, ROOT, Knobs, knob_facts
from config.local_secrets import local_secrets
from config.processes import WORKER_COMMANDS, Role, command, is_offline, process_role

__all__ = ["LOCAL", "ROOT", "ConfigurationError", "Env", "Role", "env", "load", "process_role"]

OFFLINE_URL = "postgresql://offline@127.0.0.1:9/offline"  # for commands that need settings but never a database
DEPLOYED = frozenset({"staging", "production"})
EMBEDDED_ROLES: dict[Role, str] = {"owner": "owner", "web": "app_web", "worker": "app_worker", "readonly": "app_ro"}


class NamedFiles(PydanticBaseSettingsSource):
    """Values from the files that ``NAME_FILE`` variables point at, as container platforms hand over secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        """The text of the first file named for the knob or one of its aliases, and the name it was found under."""
        for name in (field_name, *knob_facts(field)["aliases"]):
            if path := os.environ.get(f"{name}_FILE", "").strip():
                try:
                    return Path(path).read_text(encoding="utf-8"), name, False
                except OSError:
                    raise ConfigurationError([f"{name}_FILE: names no readable file."]) from None
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values that stand in files."""
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: text for text, name, _ in found if text is not None}


class Env(Knobs):
    """The knobs with their rules, and what follows from them."""

    model_config = SettingsConfigDict(
        case_sensitive=True, extra="ignore", frozen=True, hide_input_in_errors=True, env_file_encoding="utf-8"
    )

    @property
    def deployed(self) -> bool:
        """True for staging and production: real people, own secrets."""
        return self.ENVIRONMENT in DEPLOYED

    def database_url(self, role: Role) -> str:
        """The connection string for ``role``. Without DATABASE_URL the embedded cluster is started and supplies it."""
        own = {
            "owner": self.MIGRATION_DATABASE_URL,
            "web": self.DATABASE_URL,
            "worker": self.WORKER_DATABASE_URL,
            "readonly": self.READONLY_DATABASE_URL,
        }
        if given := own[role] or self.DATABASE_URL:
            return given
        if is_offline():
            return OFFLINE_URL
        return postgres.ensure_running(LOCAL).dsn(EMBEDDED_ROLES[role])

    def database_ssl_insecure(self, role: Role) -> bool:
        """True when the connection of ``role`` is encrypted but the server's certificate is not checked."""
        if role == "owner" and self.MIGRATION_DATABASE_SSL_INSECURE is not None:
            return self.MIGRATION_DATABASE_SSL_INSECURE
        return self.DATABASE_SSL_INSECURE

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Process environment first, then ``NAME_FILE``, then the dotenv file."""
        del file_secret_settings
        return init_settings, env_settings, NamedFiles(settings_cls), dotenv_settings

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, given: Any, handler: ModelWrapValidatorHandler[Env]) -> Env:
        """Trim, fill what depends on the environment, and gather every fault into one ConfigurationError."""
        trimmed = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        values = {name: value for name, value in trimmed.items() if value != ""}
        _fill(values)
        faults = _missing(cls, values)
        try:
            model = handler(values)
            faults += _contradictions(model)
        except ValidationError as error:
            faults += [_fault(cls, detail["loc"], detail["msg"]) for detail in error.errors()]
        if faults:
            raise ConfigurationError(sorted(faults))
        return model


def load(environ_file: Path | None = None) -> Env:
    """Read all knobs now. Raises ConfigurationError with every fault.

    Tests read no dotenv file of their own accord: a developer's keys must not reach them.
    """
    told = os.environ.get("DOTENV_CONFIG_PATH", "").strip()
    if told and not Path(told).is_file():
        raise ConfigurationError(["DOTENV_CONFIG_PATH: names no file."])
    default = None if os.environ.get("ENVIRONMENT", "").strip() == "test" else ROOT / ".env.local"
    return Env(_env_file=environ_file or (Path(told) if told else default))


def _fill(values: dict[str, Any]) -> None:
    """Defaults that follow from other knobs."""
    environment = values.get("ENVIRONMENT", "local")
    values.setdefault("DEBUG", environment == "local")
    values.setdefault("LOG_FORMAT", "console" if environment in {"local", "test"} else "json")
    if "RESEND_API_KEY" in values or "SMTP_URL" in values:
        values.setdefault("MAIL_TRANSPORT", "resend" if "RESEND_API_KEY" in values else "smtp")
    if environment not in DEPLOYED:
        for name, value in local_secrets(LOCAL).items():
            values.setdefault(name, value)


def _missing(knobs: type[Env], values: Mapping[str, Any]) -> list[str]:
    environment = values.get("ENVIRONMENT", "local")
    if environment not in DEPLOYED:
        return []
    wanted = {"deployed", "worker"} if command() in WORKER_COMMANDS else {"deployed"}
    faults = [
        f"{name}: is required in {environment}."
        for name, field in knobs.model_fields.items()
        if knob_facts(field)["needed"] in wanted and name not in values
    ]
    if "MAIL_TRANSPORT" not in values:
        faults.append("MAIL_TRANSPORT: no mail would leave; give RESEND_API_KEY or SMTP_URL, or choose file.")
    return faults


def _contradictions(model: Env) -> list[str]:
    """Knobs that are right by themselves and wrong together."""
    production = model.ENVIRONMENT == "production"
    rules = {
        "DEBUG: must be false where real people work.": model.deployed and model.DEBUG,
        "SECRET_KEY: must have at least 32 characters.": model.deployed and 0 < len(model.SECRET_KEY) < 32,
        "PAYMENTS_SIMULATED: must be false in production.": production and model.PAYMENTS_SIMULATED,
        "STRIPE_API_BASE: is for simulators, not for production.": production and model.STRIPE_API_BASE,
        "STRIPE_WEBHOOK_SECRET: is required with STRIPE_SECRET_KEY, or payments stay unconfirmed.": (
            model.deployed and model.STRIPE_SECRET_KEY and not model.STRIPE_WEBHOOK_SECRET
        ),
        "RESEND_API_KEY: is required when MAIL_TRANSPORT is resend.": (
            model.MAIL_TRANSPORT == "resend" and not model.RESEND_API_KEY
        ),
        "SMTP_URL: is required when MAIL_TRANSPORT is smtp.": model.MAIL_TRANSPORT == "smtp" and not model.SMTP_URL,
    }
    return [fault for fault, broken in rules.items() if broken]


def _fault(knobs: type[Env], place: tuple[int | str, ...], message: str) -> str:
    """One fault by the knob's own name, in a sentence; the library's message never carries the value."""
    name = str(place[0]) if place else "configuration"
    for knob, field in knobs.model_fields.items():
        if name in knob_facts(field)["aliases"]:
            name = knob
    text = message.removeprefix("Value error, ").replace("Input should be", "must be").partition(", unable to")[0]
    return f"{name}: {text}."


env = load()
