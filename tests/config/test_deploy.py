"""The services of a server: web and worker start separately, each by one command that exists."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.config.source import ROOT


def unit(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # -- systemd's names keep their case
    parser.read(ROOT / "deploy" / "systemd" / f"certaos-{name}.service")
    return parser["Service"]


def test_web_and_worker_are_started_by_a_command_of_their_own() -> None:
    """CERT-105."""
    web, worker = (unit(name)["ExecStart"].split() for name in ("web", "worker"))

    assert web[1:4] == ["-m", "gunicorn", "config.wsgi"]
    assert worker[1:] == ["manage.py", "worker"]
    assert worker[2] in get_commands()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_stop_reaches_the_leader_alone(name: str) -> None:
    assert unit(name)["KillMode"] == "mixed"


def test_every_command_of_the_installation_exists() -> None:
    text = Path(ROOT / "deploy" / "runbooks" / "install-on-a-server.md").read_text()
    named = {word.split()[0].strip("`,:") for word in text.split("manage.py ")[1:]}

    assert named - set(get_commands()) == set()
