"""Two full tenants, the platform's own rows, and a person for every role."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from guardian.models import UserObjectPermission

from audit.services import record
from core import clock
from enrollments.enums import EnrollmentStatus
from organizations.enums import InvitedRole, Role
from providers.enums import CourseKind
from tests.factories import cases, money, shared
from tests.factories.people import make_firm, make_invitation, make_membership, make_provider, make_user


def build_world() -> dict[str, models.Model]:
    """Make everything, in the caller's system context; returns the rows by name.

    People: platform_admin, platform_finance, platform_support, worker, stranger (no membership at all), auditor (an
    explicit grant on provider_a), two_hats (counselor at provider_a, attorney at firm_b), and for each tenant T in
    a, b: provider_admin_T, counselor_T, owner_T, attorney_T, client_user_T, spouse_user_T. Rows: see `_tenant`.
    """
    world: dict[str, Any] = {
        "platform_admin": make_user("admin@certaos.example", name="Ada Admin", platform_role="platform_admin"),
        "platform_finance": make_user("finance@certaos.example", name="Fay Finance", platform_role="platform_finance"),
        "platform_support": make_user("support@certaos.example", name="Sam Support", platform_role="platform_support"),
        "worker": make_user("worker@certaos.example", name="Worker", platform_role="platform_admin", is_process=True),
        "stranger": make_user("stranger@example.org", name="Sandy Stranger"),
        "auditor": make_user("auditor@example.org", name="Alex Auditor"),
        "two_hats": make_user("two.hats@example.org", name="Toni Twohats"),
        "application": cases.make_application(),
        "gateway_event": cases.make_gateway_event(),
        "system_event": shared.make_system_event(),
        "schedule_slot": shared.make_slot(),
        "heartbeat": shared.make_heartbeat(),
        "downtime": shared.make_downtime(),
        "platform_job": shared.make_job(),
        "proof_run": cases.make_proof_run(),
        "platform_invitation": make_invitation("new.admin@certaos.example", InvitedRole.PLATFORM_ADMIN),
    }
    for letter in ("a", "b"):
        world |= {f"{name}_{letter}": row for name, row in _tenant(letter).items()}
    make_membership(world["two_hats"], world["provider_a"], Role.COUNSELOR)
    make_membership(world["two_hats"], world["firm_b"], Role.ATTORNEY)
    world["grant"] = _grant(world["auditor"], world["provider_a"], "organizations.audit_organization")
    return world


def _grant(user: Any, row: models.Model, permission: str) -> UserObjectPermission:
    app_label, codename = permission.split(".")
    return UserObjectPermission.objects.create(
        user=user,
        permission=Permission.objects.get(content_type__app_label=app_label, codename=codename),
        content_type=ContentType.objects.get_for_model(row),
        object_pk=str(row.pk),
    )


def _tenant(letter: str) -> dict[str, Any]:
    """A provider and a firm with their people, and one of every kind of row.

    Enrollments: invited (CC, with the firm), studying (CC, the client's own), spouse (CC, same household), review (CC),
    completed (DE), certified (DE, with certificate, filing and release to the firm).
    """
    site = f"tenant-{letter}.example"
    provider = make_provider(f"Provider {letter.upper()}", f"provider-{letter}")
    firm = make_firm(f"Firm {letter.upper()}", f"firm-{letter}")
    people = {
        name: make_user(f"{name.replace('_', '.')}@{site}")
        for name in ("provider_admin", "counselor", "owner", "attorney", "client_user", "spouse_user")
    }
    for name, role in (("provider_admin", Role.PROVIDER_ADMIN), ("counselor", Role.COUNSELOR), ("owner", Role.OWNER)):
        make_membership(people[name], provider, role)
    make_membership(people["attorney"], firm, Role.ATTORNEY)
    return people | {"provider": provider, "firm": firm} | _cases(letter, provider, firm, people)


def _cases(letter: str, provider: Any, firm: Any, people: dict[str, Any]) -> dict[str, Any]:
    counselor = people["counselor"]
    client = cases.make_client(provider, user=people["client_user"])
    spouse = cases.make_client(provider, user=people["spouse_user"])
    job = shared.make_job(provider)
    sent = cases.make_client(provider, firm=firm, first_name="Francis", last_name=f"Firmclient {letter.upper()}")
    rows: dict[str, Any] = {
        "client": client,
        "spouse": spouse,
        "firm_client": sent,
        "request": cases.make_request(provider),
        "approval_cc": cases.make_district_approval(provider, CourseKind.CC),
        "approval_de": cases.make_district_approval(provider, CourseKind.DE),
        "invited": cases.make_enrollment(sent),
        "studying": cases.make_enrollment(client, status=EnrollmentStatus.IN_PROGRESS),
        "spouse_enrollment": cases.make_enrollment(spouse, status=EnrollmentStatus.ENROLLED),
        "review": cases.make_enrollment(client, status=EnrollmentStatus.REVIEW),
        "completed": cases.make_enrollment(
            client, CourseKind.DE, status=EnrollmentStatus.COMPLETED, completed_by=counselor
        ),
        "certified": cases.make_enrollment(
            client, CourseKind.DE, status=EnrollmentStatus.CERT_ISSUED, firm=firm, completed_by=counselor
        ),
        "invitation": make_invitation(f"new.counselor@{letter}.example", InvitedRole.COUNSELOR, organization=provider),
        "cgs_number": cases.make_cgs_number(provider, f"0000{'12'['ab'.index(letter)]}-CAC-CC-000000001"),
        "job": job,
        "job_progress": shared.make_progress(job),
        "job_line": shared.make_line(job),
        "rehearsal": shared.make_rehearsal(job),
        "staged_upload": shared.make_staged_upload(people["provider_admin"]),
        "saved_view": shared.make_saved_view(people["provider_admin"], provider),
        "private_view": shared.make_saved_view(people["counselor"]),
        "bulk_edit": shared.make_bulk_edit(people["provider_admin"], client),
    }
    rows |= _belongings(letter, rows, firm, people)
    rows |= _imports(provider, people["provider_admin"], rows["invited"])
    record("world.built", provider, payload={"tenant": letter})
    return rows


def _imports(provider: Any, person: Any, about: Any) -> dict[str, Any]:
    run = shared.make_import_run(provider, person)
    return {
        "import_run": run,
        "staged_row": shared.make_staged_row(run),
        "imported_row": shared.make_imported_row(run, about),
        "column_mapping": shared.make_column_mapping(provider, person),
    }


def _belongings(letter: str, rows: dict[str, Any], firm: Any, people: dict[str, Any]) -> dict[str, Any]:
    user, provider = people["client_user"], rows["client"].provider
    session = cases.make_session(rows["studying"], seconds=1140)
    payment = cases.make_payment(rows["studying"])
    certificate = cases.make_certificate(rows["certified"], released_to=firm)
    message = shared.make_message(provider, user.email, person=user)
    cases.make_session(rows["review"], seconds=3700)
    long_ago = clock.now() - dt.timedelta(days=60)
    return {
        "household": cases.make_household(rows["studying"], rows["spouse_enrollment"]),
        "acknowledgement": cases.make_acknowledgement(rows["studying"], user),
        "interaction": cases.make_interaction(rows["review"], people["counselor"], notes="Spoke about the budget."),
        "session": session,
        "ledger_minute": cases.make_ledger_minute(session),
        "progress": cases.make_progress(session),
        "attempt": cases.make_attempt(session),
        "payment": payment,
        "refund": cases.make_refund(payment),
        "dispute": money.make_dispute(payment),
        "bulk_line": money.make_bulk_line(payment),
        "approval_rule": money.make_rule(provider),
        "approval": money.make_approval(payment, people["provider_admin"]),
        "delegation": money.make_delegation(
            people["provider_admin"], people["owner"], provider, starts_at=long_ago, ends_at=long_ago + dt.timedelta(1)
        ),
        "proof_difference": cases.make_proof_difference(payment),
        "waiver": cases.make_waiver(rows["spouse_enrollment"]),
        "certificate": certificate,
        "direction": cases.make_direction(rows["certified"], firm, user),
        "filing": cases.make_filing(certificate),
        "file": shared.make_file(provider, person=user),
        "message": message,
        "delivery": shared.make_delivery(message),
        "scheduled_export": shared.make_scheduled_export(people["provider_admin"], provider),
        "export_run": shared.make_export_run(people["provider_admin"], provider),
    }
