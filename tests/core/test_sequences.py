from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import transaction

from core.sequences import next_number
from tests.database import Databases, role


@pytest.mark.django_db
def test_numbers_start_at_one_and_a_rollback_gives_its_number_back() -> None:
    with role("app_worker"):
        assert next_number("certificates:p") == 1
        with transaction.atomic():
            assert next_number("certificates:p") == 2
            transaction.set_rollback(True)
        assert next_number("certificates:p") == 2
        assert next_number("certificates:q") == 1


TAKE = (
    "INSERT INTO core_counter AS c (name, value) VALUES ('race', 1)"
    " ON CONFLICT (name) DO UPDATE SET value = c.value + 1 RETURNING value"
)


@pytest.mark.django_db(transaction=True)
def test_concurrent_takers_that_sometimes_give_up_leave_no_gap(databases: Databases) -> None:
    taken: list[int] = []

    def take(number: int) -> None:
        with psycopg.connect(databases.dsn("app_worker")) as connection:
            for turn in range(20):
                value = connection.execute(TAKE).fetchone()[0]
                if (turn + number) % 3:
                    connection.commit()
                    taken.append(value)
                else:
                    connection.rollback()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == list(range(1, len(taken) + 1))
    assert len(taken) == 80


@pytest.mark.django_db(transaction=True)
def test_a_number_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        next_number("certificates:p")
