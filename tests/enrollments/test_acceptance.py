"""Disclosures, details and the fee, in that order, on the record."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import AuditEvent
from core import clock
from core.errors import DomainError
from enrollments import disclosures
from enrollments.enums import EnrollmentStatus
from enrollments.guards import ACCEPTANCE, details_guard, payment_guard, why_blocked
from enrollments.identity import identity_of
from enrollments.models import Client, DisclosureAcknowledgement, DisclosureSet, Enrollment
from enrollments.services.acceptance import accept_enrollment
from enrollments.services.acknowledgements import acknowledge_disclosures
from enrollments.services.details import save_details
from enrollments.services.supervision import cancel_enrollment, override_cc_time, set_deadline
from payments.enums import PaymentStatus
from tests.database import as_system
from tests.enrollments.people import DETAILS, acknowledge, acting_as, own_enrollment, seen
from tests.factories import cases
from tests.factories.names import World

pytestmark = pytest.mark.django_db


def codes(world: World, enrollment: Enrollment) -> list[str]:
    with acting_as(world, "client_user_a"):
        return [refusal.code for refusal in why_blocked(Enrollment.objects.get(pk=enrollment.pk))]


def test_disclosures_are_filled_in_for_the_provider_and_hold_no_placeholder(world: World) -> None:
    enrollment = own_enrollment(world)

    with acting_as(world, "client_user_a"):
        english = disclosures.shown(enrollment, "en")
        spanish = disclosures.shown(enrollment, "es")

    assert (len(english.items), len(spanish.items)) == (12, 12)
    text = " ".join(item.text for item in (*english.items, *spanish.items))
    assert "{" not in text
    assert "Provider A, Inc. is $50.00" in english.items[0].text
    assert "write to Provider A, Inc. You do not" in english.items[1].text
    assert "English and Spanish" in english.items[2].text
    assert "inglés y español" in spanish.items[2].text
    assert english.sha256 != spanish.sha256
    assert len(disclosures.filled(world_set("DE"), profile_of(world), "en").items) == 9


def world_set(kind: str) -> DisclosureSet:
    return disclosures.current_disclosures(kind)


def profile_of(world: World) -> Any:
    with as_system():
        provider = world.provider_a
        return provider.provider_profile


def test_an_unfilled_placeholder_is_an_error_and_never_shown(world: World) -> None:
    enrollment = own_enrollment(world)
    with as_system():
        profile = world.provider_a.provider_profile
        profile.counselor_qualifications = ""
        profile.save()

    with acting_as(world, "client_user_a"), pytest.raises(DomainError) as refused:
        disclosures.shown(enrollment, "en")

    assert (refused.value.code, refused.value.params["missing"]) == (
        "provider_profile_incomplete", "counselor qualifications",
    )  # fmt: skip


def test_an_acknowledgement_records_version_time_actor_address_language_and_digest(world: World) -> None:
    """CERT-80."""
    enrollment = own_enrollment(world)

    row = acknowledge(world, enrollment, language="es")
    again = acknowledge(world, enrollment, language="es")

    assert row == again
    with as_system():
        [event] = AuditEvent.objects.filter(act="enrollment.disclosures_acknowledged", target_id=str(enrollment.pk))
        assert event.actor_id == world.client_user_a.pk
        assert event.payload == {
            "version": "2026.1", "language": "es", "shown_sha256": row.shown_sha256, "ip": "203.0.113.9",
            "at": row.acknowledged_at.isoformat().replace("+00:00", "Z")[:23] + "Z",
        }  # fmt: skip
        assert Enrollment.objects.get(pk=enrollment.pk).language == "es"


def test_a_text_that_changed_while_it_was_read_is_not_acknowledged(world: World) -> None:
    enrollment = own_enrollment(world)

    with acting_as(world, "client_user_a"), pytest.raises(DomainError) as refused:
        acknowledge_disclosures(enrollment, world.client_user_a, language="en", ip=None, seen_sha256="0" * 64)

    assert refused.value.code == "disclosures_changed"


def test_nobody_acknowledges_for_the_client(world: World) -> None:
    enrollment = own_enrollment(world)

    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as refused:
        acknowledge_disclosures(enrollment, world.provider_admin_a, language="en", ip=None)

    assert refused.value.code == "permission_denied"


def test_only_the_version_in_force_counts(world: World) -> None:
    enrollment = own_enrollment(world)
    acknowledge(world, enrollment)
    with as_system():
        old = DisclosureSet.objects.get(kind="CC")
        DisclosureSet.objects.create(
            kind="CC", version="2099.1", source=old.source, items=old.items, effective_from=clock.now()
        )

    assert "disclosure_required" in codes(world, enrollment)
    acknowledge(world, enrollment)
    assert "disclosure_required" not in codes(world, enrollment)


def test_no_detail_is_taken_before_the_disclosures(world: World) -> None:
    """28 CFR 58.20(l), 58.33(k)."""
    enrollment = own_enrollment(world)

    with acting_as(world, "client_user_a"):
        with pytest.raises(DomainError) as refused:
            save_details(Enrollment.objects.get(pk=enrollment.pk), DETAILS)
        assert Client.objects.get(pk=enrollment.client_id).ssn_last4 == ""

    assert refused.value.code == "disclosure_required"


def test_details_are_sealed_and_found_by_their_digest(world: World) -> None:
    enrollment = own_enrollment(world)
    acknowledge(world, enrollment)

    with acting_as(world, "client_user_a"):
        save_details(Enrollment.objects.get(pk=enrollment.pk), DETAILS)

    with as_system():
        client = Client.objects.get(pk=enrollment.client_id)
        twin = cases.make_client(world.provider_a, **DETAILS | {"first_name": "ana"})
        raw = Client.objects.raw("SELECT id, ssn_last4::text AS s, birth_date::text AS b FROM enrollments_client")
        stored = next(row for row in raw if row.pk == client.pk)
        history = str(client.history.values())
        [event] = AuditEvent.objects.filter(act="enrollment.details_saved", target_id=str(enrollment.pk))
    assert (client.first_name, client.birth_date, client.ssn_last4) == ("Ana", "1984-02-29", "4321")
    assert (stored.s[:3], stored.b[:3]) == ("v1:", "v1:")
    assert "4321" not in history
    assert "1984" not in history
    assert event.payload == {"fields": ["birth_date", "first_name", "last_name", "ssn_last4"]}
    assert client.identity_hash == identity_of(twin) != ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"first_name": ""}, "name_invalid"),
        ({"last_name": "<script>"}, "name_invalid"),
        ({"birth_date": "1984-02-30"}, "birth_date_invalid"),
        ({"birth_date": "2999-01-01"}, "birth_date_invalid"),
        ({"birth_date": "1850-01-01"}, "birth_date_invalid"),
        ({"ssn_last4": "123"}, "ssn_last4_invalid"),
        ({"ssn_last4": "٣٣٣٣"}, "ssn_last4_invalid"),
        ({"ssn_last4": "0000"}, "ssn_last4_invalid"),
    ],
)
def test_details_that_cannot_be_are_refused(world: World, changes: dict[str, str], code: str) -> None:
    enrollment = own_enrollment(world)
    acknowledge(world, enrollment)

    with acting_as(world, "client_user_a"), pytest.raises(DomainError) as refused:
        save_details(Enrollment.objects.get(pk=enrollment.pk), DETAILS | changes)

    assert refused.value.code == code


def test_debtor_education_needs_chapter_and_case_number_too(world: World) -> None:
    enrollment = own_enrollment(world, "DE", chapter="")
    acknowledge(world, enrollment)

    with acting_as(world, "client_user_a"):
        row = Enrollment.objects.get(pk=enrollment.pk)
        save_details(row, DETAILS)
        missing = details_guard(row).params["missing"]
        with pytest.raises(DomainError) as refused:
            save_details(row, {"chapter": "12"})
        save_details(row, {"chapter": "13", "case_number": "2:26-bk-12345-ABC"})

        assert details_guard(row) is None
    assert missing == "chapter, case number"
    assert refused.value.code == "de_not_required"


def test_details_are_closed_once_the_counselor_has_the_enrollment(world: World) -> None:
    with acting_as(world, "client_user_a"), pytest.raises(DomainError) as refused:
        save_details(Enrollment.objects.get(pk=world.review_a.pk), DETAILS)

    assert refused.value.code == "details_locked"


def test_everything_that_blocks_is_said_at_once_and_in_order(world: World) -> None:
    """CERT-W06."""
    enrollment = own_enrollment(world)

    seen_codes = [codes(world, enrollment)]
    acknowledge(world, enrollment)
    seen_codes.append(codes(world, enrollment))
    with acting_as(world, "client_user_a"):
        save_details(Enrollment.objects.get(pk=enrollment.pk), DETAILS)
    seen_codes.append(codes(world, enrollment))
    with as_system():
        cases.make_payment(enrollment)
    seen_codes.append(codes(world, enrollment))

    assert seen_codes == [
        ["disclosure_required", "details_required", "payment_required"],
        ["details_required", "payment_required"],
        ["payment_required"],
        [],
    ]


def test_a_lapsed_approval_is_said_before_the_client_pays(world: World) -> None:
    with as_system():
        approval = world.approval_cc_a
        approval.status = "withdrawn"
        approval.save()

    assert codes(world, own_enrollment(world))[0] == "district_not_approved"


@pytest.mark.parametrize("missing", ["disclosures", "payment"])
def test_acceptance_needs_the_disclosures_and_the_fee(world: World, missing: str) -> None:
    """CERT-79."""
    enrollment = own_enrollment(world)
    if missing != "disclosures":
        acknowledge(world, enrollment)
    if missing != "payment":
        with as_system():
            cases.make_payment(enrollment)

    with acting_as(world, "client_user_a"), pytest.raises(DomainError) as refused:
        accept_enrollment(enrollment)

    assert refused.value.code == {"disclosures": "disclosure_required", "payment": "payment_required"}[missing]


@pytest.mark.parametrize(
    ("status", "unlocks"), [(status, status == PaymentStatus.SUCCEEDED) for status in PaymentStatus]
)
def test_only_a_payment_that_succeeded_unlocks(world: World, status: str, unlocks: bool) -> None:
    """CERT-81."""
    enrollment = own_enrollment(world)
    with as_system():
        cases.make_payment(enrollment, status=status)

    with acting_as(world, "client_user_a"):
        assert (payment_guard(Enrollment.objects.get(pk=enrollment.pk)) is None) is unlocks


def test_a_waiver_unlocks_without_a_payment(world: World) -> None:
    """CERT-81; acknowledging then accepts by itself."""
    enrollment = own_enrollment(world, has_fee_waiver=True)

    acknowledge(world, enrollment)

    fresh = seen(world, enrollment)
    assert (fresh.status, fresh.enrolled_at is not None) == (EnrollmentStatus.ENROLLED, True)


def test_a_provider_without_a_fee_asks_for_no_payment(world: World) -> None:
    enrollment = own_enrollment(world)
    with as_system():
        profile = world.provider_a.provider_profile
        profile.fee_cents = 0
        profile.save()

    acknowledge(world, enrollment)

    assert seen(world, enrollment).status == EnrollmentStatus.ENROLLED


def test_one_payment_of_the_household_lets_the_spouse_in(world: World) -> None:
    """CERT-67: the spouse accepts without paying, in the spouse's own context."""
    mine = own_enrollment(world)
    with as_system():
        client = cases.make_client(world.provider_a, user=world.spouse_user_a)
        theirs = cases.make_enrollment(client)
        cases.make_household(mine, theirs)
        cases.make_payment(theirs)

    acknowledge(world, mine)

    assert seen(world, mine).status == EnrollmentStatus.ENROLLED
    with acting_as(world, "client_user_a"):
        assert not Client.objects.filter(pk=client.pk).exists()


def test_the_guards_of_acceptance_are_the_two_of_the_rule() -> None:
    assert [guard.__name__ for guard in ACCEPTANCE] == ["disclosure_guard", "payment_guard"]


def test_cancelling_needs_a_reason_and_is_evidence(world: World) -> None:
    with acting_as(world, "provider_admin_a"):
        enrollment = Enrollment.objects.get(pk=world.invited_a.pk)
        with pytest.raises(DomainError) as refused:
            cancel_enrollment(enrollment, reason="")
        cancelled = cancel_enrollment(enrollment, reason="The client asked for it.")

    assert (refused.value.code, cancelled.status) == ("reason_required", EnrollmentStatus.CANCELLED)
    with as_system():
        [event] = AuditEvent.objects.filter(act="enrollment.cancelled")
        assert (event.reason, event.payload["from"], event.payload["to"]) == (
            "The client asked for it.", "invited", "cancelled",
        )  # fmt: skip


def test_only_counseling_may_take_less_time_and_only_with_a_reason(world: World) -> None:
    with acting_as(world, "provider_admin_a"):
        with pytest.raises(DomainError) as silent:
            override_cc_time(Enrollment.objects.get(pk=world.studying_a.pk), reason=" ")
        with pytest.raises(DomainError) as education:
            override_cc_time(Enrollment.objects.get(pk=world.completed_a.pk), reason="Fast reader.")
        done = override_cc_time(Enrollment.objects.get(pk=world.studying_a.pk), reason="Hospital bed.")

    assert (silent.value.code, education.value.code) == ("reason_required", "override_cc_only")
    assert done.cc_override_reason == "Hospital bed."


def test_a_deadline_is_set_with_a_reason_for_debtor_education(world: World) -> None:
    day = clock.today()

    with acting_as(world, "provider_admin_a"):
        changed = set_deadline(Enrollment.objects.get(pk=world.certified_a.pk), day, reason="Order of the court.")
        with pytest.raises(DomainError) as refused:
            set_deadline(Enrollment.objects.get(pk=world.studying_a.pk), day, reason="x")

    assert changed.de_filing_deadline == day
    assert refused.value.code == "enrollment_closed"


def test_acknowledgements_are_never_changed(world: World) -> None:
    row = acknowledge(world, own_enrollment(world))

    with acting_as(world, "client_user_a"), pytest.raises(Exception, match="permission denied"):
        DisclosureAcknowledgement.objects.filter(pk=row.pk).update(language="es")
