from __future__ import annotations

import pytest
from django.db import connection

from core.crypto import SealBroken, Sealed, lookup_hash, seal, unseal
from tests.database import as_system
from tests.factories.names import World


def test_a_sealed_value_opens_for_its_own_row_only() -> None:
    text = seal("1980-02-29", bound_to="clients|1|birth_date")

    assert unseal(text, bound_to="clients|1|birth_date") == "1980-02-29"
    with pytest.raises(SealBroken):
        unseal(text, bound_to="clients|2|birth_date")


def test_an_altered_or_unknown_seal_is_refused() -> None:
    version, key, body = seal("1234", bound_to="row").split(":")
    changed = body[:-3] + ("A" if body[-3] != "A" else "B") + body[-2:]

    for broken in (f"{version}:{key}:{changed}", f"{version}:other:{body}", f"v9:{key}:{body}"):
        with pytest.raises(SealBroken):
            unseal(broken, bound_to="row")


def test_the_same_text_is_never_sealed_the_same_way_twice() -> None:
    assert seal("1234", bound_to="row") != seal("1234", bound_to="row")


def test_a_lookup_hash_ignores_case_and_outer_spaces_but_not_boundaries() -> None:
    assert lookup_hash(" Ada ", "LOVELACE") == lookup_hash("ada", "lovelace")
    assert lookup_hash("ab", "c") != lookup_hash("a", "bc")


@pytest.mark.django_db
def test_personal_fields_stand_sealed_in_the_table_and_nowhere_in_history(world: World) -> None:
    """Q-08, CERT-64."""
    client = world.client_a
    with as_system():
        client.ssn_last4 = "9876"
        client.save(update_fields=["ssn_last4", "updated_at"])
        client.refresh_from_db()
        assert client.ssn_last4 == "9876"
        with connection.cursor() as cursor:
            cursor.execute("SELECT ssn_last4, birth_date FROM enrollments_client WHERE id = %s", [client.pk])
            stored = cursor.fetchone()
            cursor.execute("SELECT string_agg(h::text, '') FROM enrollments_historicalclient h")
            history = cursor.fetchone()[0]
    assert all(value.startswith("v1:") for value in stored)
    assert "9876" not in history
    assert "v1:" not in history


@pytest.mark.django_db
def test_a_seal_copied_to_another_clients_row_does_not_open(world: World) -> None:
    with as_system():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE enrollments_client SET ssn_last4 = (SELECT ssn_last4 FROM enrollments_client WHERE id = %s)"
                " WHERE id = %s",
                [world.client_a.pk, world.client_b.pk],
            )
        with pytest.raises(SealBroken):
            str(world.client_b.ssn_last4)


def test_the_type_of_ciphertext_is_not_lost_in_a_string() -> None:
    assert isinstance(seal("x", bound_to="row"), Sealed)
