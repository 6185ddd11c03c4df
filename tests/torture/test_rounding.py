"""Parts sum to the whole, in every currency, and no float comes near money."""

from __future__ import annotations

import ast
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import format_minor
from payments.refund_plans import split_cents
from tests.config.source import product
from tests.trials import Trial

LEFTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=12)
DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
MONEY = ("platform/payments/", "platform/approvals/", "platform/core/money.py", "platform/providers/fees.py",
         "admin_site/refund", "admin_site/bulk_refunds.py", "admin_site/money.py", "resources/payments.py")  # fmt: skip


def faults_of(parts: list[int], total: int, lefts: list[int]) -> list[str]:
    """What is wrong with a split; nothing for a right one."""
    found = [] if sum(parts) == total else [f"{sum(parts)} is not {total}"]
    found += [f"{part} of {left}" for part, left in zip(parts, lefts, strict=True) if not 0 <= part <= left]
    whole = sum(lefts)
    shares = (Decimal(total) * left / whole for left in lefts)
    return found + [
        f"{part} for a share of {share}" for part, share in zip(parts, shares, strict=True) if abs(part - share) >= 1
    ]


def floats_in(sources: dict[str, ast.Module]) -> list[str]:
    """Where code about money makes a float, or divides into one."""
    found = []
    for path, tree in sources.items():
        for node in ast.walk(tree):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_cast = isinstance(node, ast.Call) and ast.unparse(node.func) in {"float", "round"}
            if is_float or is_cast:
                found.append(f"{path}:{node.lineno} {ast.unparse(node)}")  # type: ignore[attr-defined]  # -- both have a line
    return found


def money_code() -> dict[str, ast.Module]:
    return {path: tree for path, tree in product().items() if path.startswith(MONEY)}


@pytest.mark.torture("M-13")
def test_splits_sum_to_the_whole_and_currencies_keep_their_digits(trial: Trial) -> None:
    tried, violations = 0, []

    @settings(max_examples=trial.scale(fast=1500, long=100_000), deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(LEFTS, st.integers(0, 10**6), st.sampled_from(sorted(DIGITS)))
    def each(lefts: list[int], millionths: int, currency: str) -> None:
        nonlocal tried
        tried += 1
        total = sum(lefts) * millionths // 10**6
        violations.extend(faults_of(split_cents(total, lefts), total, lefts))
        shown = format_minor(total, currency, locale="en")
        digits = "".join(sign for sign in shown if sign.isdigit())
        violations.extend([] if int(digits) == total else [f"{total} {currency} shown as {shown}"])

    each()
    violations += floats_in(money_code())
    trial.report(n=tried, violations=len(violations), what=violations[:5], files=len(money_code()))


@pytest.mark.control("M-13")
def test_control_shares_rounded_each_for_itself_lose_a_cent_and_a_float_is_seen() -> None:
    rounded = [round(100 * left / 3) for left in (1, 1, 1)]

    assert faults_of(rounded, 100, [100, 100, 100]) != []
    assert floats_in({"x.py": ast.parse("amount = float(total) * 0.29")}) != []


@pytest.mark.parametrize(("total", "lefts"), [(-1, [5]), (6, [5]), (1, [])])
def test_more_than_there_is_cannot_be_split(total: int, lefts: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot come out of"):
        split_cents(total, lefts)
