"""What a failure may say."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from core.errors import DomainError
from jobs.failures import describe, frames


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no such page"), "ValueError: no such page"),
        (ValueError(), "ValueError"),
        (ValueError("to Ada.Client+x@mail.example.org refused"), "ValueError: to [e-mail] refused"),
        (OSError("postgresql://ada:hunter2@db.example/x"), "OSError: postgresql://[credentials]@db.example/x"),
        (ValueError("api_key=sk_test_1 rejected"), "ValueError: api_key=[secret] rejected"),
        (ValueError("SSN 123-45-6789"), "ValueError: SSN [number]"),
        (ValueError("got 9fKq3LmZ8xYt2WpR7vBn5CsD1"), "ValueError: got [secret]"),
        (
            ValueError("row 5c9f1b1e-1111-4222-8333-944455566677"),
            "ValueError: row 5c9f1b1e-1111-4222-8333-944455566677",
        ),
        (ValueError("two\r\nlines\x1b[31m\x00"), "ValueError: two lines [31m"),
        (IntegrityError("duplicate key\nDETAIL:  Key (name)=(Ada Client) exists."), "IntegrityError: duplicate key"),
        (DomainError("not_found"), "not_found: We could not find that. Check the address or start again."),
    ],
)
def test_a_failure_says_what_happened_without_secrets_and_personal_data(error: Exception, said: str) -> None:
    assert describe(error) == said


def test_a_failure_is_never_longer_than_a_line_can_bear() -> None:
    assert len(describe(ValueError("word " * 1000))) == 500


def fail_with(secret: str) -> None:
    raise ValueError(secret)


def test_the_trace_names_places_and_no_values() -> None:
    secret = "hunter2"

    with pytest.raises(ValueError, match=secret) as raised:
        fail_with(secret)

    *_, place = frames(raised.value)
    assert place.endswith(" fail_with")
    assert secret not in place
