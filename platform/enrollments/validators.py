"""What a name, a birth date, four digits and a case number have to look like."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from core import clock
from core.errors import DomainError

_FOUR_DIGITS = re.compile(r"[0-9]{4}")
# 26-12345, 26-bk-12345, 2:26-bk-12345-ABC: office, year, number, judge.
_CASE = re.compile(r"(?:\d:)?\d{2}-(?:bk-)?\d{5}(?:-[A-Za-z]{2,4}\d{0,2})?", re.IGNORECASE)
OLDEST_YEARS = 120
MOST_LETTERS = 80


# What nearly every name is made of; other letters are looked up one by one.
_COMMON = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ '’.-]*")


def _belongs(sign: str) -> bool:
    return sign.isalpha() or sign in " '’.-" or unicodedata.category(sign) == "Mn"


def clean_name(text: str) -> str:
    """The name with single spaces. DomainError `name_invalid` for digits, signs, or nothing."""
    name = " ".join(text.split())
    if _COMMON.fullmatch(name) and len(name) <= MOST_LETTERS:
        return name
    if not name or not name[0].isalpha() or len(name) > MOST_LETTERS or not all(_belongs(sign) for sign in name):
        raise DomainError("name_invalid")
    return name


def clean_birth_date(value: dt.date | str) -> dt.date:
    """A day in the past 120 years. DomainError `birth_date_invalid`."""
    try:
        day = value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
    except ValueError:
        raise DomainError("birth_date_invalid") from None
    today = clock.today()
    if not today.year - OLDEST_YEARS <= day.year or day >= today:
        raise DomainError("birth_date_invalid")
    return day


def clean_ssn_last4(text: str) -> str:
    """Four digits; the serial part of a Social Security number is never 0000. DomainError `ssn_last4_invalid`."""
    digits = text.strip()
    if not _FOUR_DIGITS.fullmatch(digits) or digits == "0000":
        raise DomainError("ssn_last4_invalid")
    return digits


def clean_case_number(text: str) -> str:
    """A CM/ECF case number with or without office, `bk` and judge. DomainError `case_number_invalid`."""
    number = "".join(text.split())
    if not _CASE.fullmatch(number):
        raise DomainError("case_number_invalid")
    return number
