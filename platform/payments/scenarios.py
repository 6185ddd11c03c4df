"""The fee waiver's presumption as a question for `manage.py scenario`."""

from __future__ import annotations

from datetime import date

from core.scenarios import Answer, day, integer, question, upper
from payments.poverty import fee_waiver_presumption


@question(
    "fee_waiver",
    columns={"household_size": integer, "annual_income_cents": integer, "state": upper, "on_date": day},
)
def fee_waiver_answer(*, household_size: int, annual_income_cents: int, state: str, on_date: date) -> Answer:
    """`presumed` or `not_presumed`, with the line in cents a year and the guideline it comes from."""
    found = fee_waiver_presumption(household_size, annual_income_cents, state, on_date)
    return Answer(
        "presumed" if found.presumed else "not_presumed",
        {"threshold_cents": found.threshold_cents, "year": found.year, "region": found.region},
    )
