"""How many certificates one core draws in a second."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certificates.pdf import render_certificate
from tests.certificates.test_pdf import COUNSELING, EDUCATION

GOAL = 100
ROUNDS, EACH = 7, 60
GIVEN, FAMILY = (
    line.split() for line in Path(__file__).with_name("names.txt").read_text(encoding="utf-8").splitlines()
)
NAMES = Path(__file__).with_name("names.txt")
RARE = ("François Müller", "Łukasz Żółć", "Țepeș Őrsi", "Nguyễn Thị Ạnh")


def names() -> Iterator[str]:
    """Another name for each certificate; one in twenty has letters that few names have."""
    given, family = (line.split() for line in NAMES.read_text(encoding="utf-8").splitlines())
    for number, (first, last) in enumerate(itertools.product(given, family)):
        yield f"{RARE[number // 20 % len(RARE)]} {last}" if number % 20 == 0 else f"{first} {last}"


def drawn_a_second(first: int, client: Iterator[str]) -> float:
    """Certificates a second of this process's own processor time, each with its own name, number and code."""
    began = time.process_time()
    for number in range(first, first + EACH):
        facts = (COUNSELING, EDUCATION)[number % 2]
        own = {"number": f"01234-CAC-CC-{number:09}", "verify_url": f"{facts.verify_url}{number:06}"}
        render_certificate(replace(facts, client_name=next(client), **own))
    return EACH / (time.process_time() - began)


@pytest.mark.bench
def test_a_core_draws_a_hundred_certificates_a_second(measured: Callable[..., None]) -> None:
    client = names()
    drawn_a_second(0, client)
    rate = statistics.median(drawn_a_second(EACH * number, client) for number in range(1, ROUNDS + 1))
    measured(
        "Certificates", "PDF a second and core", f"{rate:.0f} a second", goal=f"≥ {GOAL} a second", held=rate >= GOAL,
        basis=f"processor time, medians of {ROUNDS} rounds of {EACH}",
    )  # fmt: skip
