"""Which part of CertaOS this process is, judged by its command line; from that follows its database role."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

Role = Literal["owner", "web", "worker", "readonly"]
ROLES: tuple[Role, ...] = get_args(Role)

# Only these may change tables and policies.
OWNER_COMMANDS = frozenset(
    {"migrate", "rls_apply", "makemigrations", "sqlmigrate", "showmigrations", "squashmigrations", "db_migrate_deploy"}
)
WEB_COMMANDS = frozenset({"runserver", "testserver", "gunicorn", "check", "collectstatic"})
# The long-running worker; it acts in the name of a registered person or system.
WORKER_COMMANDS = frozenset({"worker", "qcluster"})
# These never open a connection, so they must not start a database either.
OFFLINE_COMMANDS = frozenset(
    {"help", "version", "collectstatic", "makemessages", "compilemessages", "env_matrix", "scenario"}
    | {"mypy", "dmypy", "djlint", "lint-imports"}
)


def command(argv: Sequence[str] | None = None) -> str:
    """The management command, or the name of the program: ``migrate``, ``gunicorn``, ``pytest``."""
    argv = sys.argv if argv is None else argv
    program = Path(argv[0]) if argv else Path("python")
    name = program.parent.name if program.stem == "__main__" else program.stem
    if name in {"manage", "django", "django-admin"}:
        return next((word for word in argv[1:2] if not word.startswith("-")), "help")
    return name


def process_role(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> Role:
    """The database role of this process; ``CERTAOS_PROCESS`` overrides what the command line says.

    Raises ValueError when ``CERTAOS_PROCESS`` names no role.
    """
    told = (os.environ if environ is None else environ).get("CERTAOS_PROCESS", "").strip()
    if told:
        if told not in ROLES:
            raise ValueError(f"CERTAOS_PROCESS: must be one of {', '.join(ROLES)}.")
        return told
    name = command(argv)
    if name in OWNER_COMMANDS:
        return "owner"
    return "web" if name in WEB_COMMANDS else "worker"


def is_offline(argv: Sequence[str] | None = None) -> bool:
    """True for commands that need settings but no database."""
    return command(argv) in OFFLINE_COMMANDS
