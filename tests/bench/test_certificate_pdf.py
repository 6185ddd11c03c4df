"""How many certificates one core draws in a second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from certificates.pdf import render_certificate
from tests.certificates.test_pdf import COUNSELING, EDUCATION

GOAL = 100
ROUNDS, EACH = 7, 60


def drawn_a_second(first: int) -> float:
    """Certificates a second of this process's own processor time, each with its own name, number and code."""
    began = time.process_time()
    for number in range(first, first + EACH):
        facts = (COUNSELING, EDUCATION)[number % 2]
        render_certificate(
            replace(facts, number=f"01234-CAC-CC-{number:09}", verify_url=f"{facts.verify_url}{number:06}")
        )
    return EACH / (time.process_time() - began)


@pytest.mark.bench
def test_a_core_draws_a_hundred_certificates_a_second(measured: Callable[..., None]) -> None:
    drawn_a_second(0)
    rate = statistics.median(drawn_a_second(EACH * number) for number in range(1, ROUNDS + 1))
    measured(
        "Certificates", "PDF a second and core", f"{rate:.0f} a second", goal=f"≥ {GOAL} a second", held=rate >= GOAL,
        basis=f"processor time, medians of {ROUNDS} rounds of {EACH}",
    )  # fmt: skip
