"""Which login may do what, and that a context never outlives its transaction."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.context import acting
from organizations.actors import load_actor
from tests.database import as_system
from tests.factories.names import World


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["migrate", "rls_apply"])
def test_the_schema_and_the_policies_are_the_owners_work(command: str) -> None:
    """CERT-20: the runtime's login is refused unless forced."""
    with pytest.raises(CommandError, match="MIGRATION_DATABASE_URL"):
        call_command(command, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_a_connection_handed_to_the_next_client_carries_nothing_over(world: World) -> None:
    """CERT-14, CERT-19: a pooler gives the same connection to another client after each transaction."""
    with as_system():
        actor = load_actor(world.provider_admin_a)
    counts = []
    for _turn in range(3):
        with acting(actor), connection.cursor() as cursor:
            cursor.execute("SELECT count(*), pg_backend_pid() FROM payments_payment")
            counts.append(cursor.fetchone())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), pg_backend_pid(), current_setting('app.user_id', true),"
                " current_setting('app.organizations', true) FROM payments_payment"
            )
            counts.append(cursor.fetchone())

    backend = counts[0][1]
    assert {row[1] for row in counts} == {backend}
    assert [row[0] for row in counts[::2]] == [1, 1, 1]
    assert [row[0] for row in counts[1::2]] == [0, 0, 0]
    assert {row[2:] for row in counts[1::2]} == {("", "")}
