"""`python -m tests.bench.package enqueue N | cluster`: django-q2's own ORM broker and an empty task."""

from __future__ import annotations

import sys

import django
from django.core.management import call_command


def nothing() -> None:
    """The empty task."""


def enqueue(count: int) -> None:
    from django_q.tasks import async_task  # noqa: PLC0415 -- Django must be set up first

    for _ in range(count):
        async_task("tests.bench.package.nothing")


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "enqueue":
        enqueue(int(sys.argv[2]))
    else:
        call_command("qcluster")
