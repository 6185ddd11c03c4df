"""The nightly proof: compare, write what does not fit, and say so to those who can mend it."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.enums import PlatformRole
from accounts.models import User
from audit.models import Level
from audit.services import note, record
from core import clock
from enrollments.models import Enrollment
from notifications.services import notify
from payments import gateway
from payments.models import Payment
from proofs.enums import DifferenceStatus
from proofs.models import ProofDifference, ProofRun
from proofs.services import inside, outside
from proofs.services.findings import Finding, keep

PROVE = "proofs.prove"
SPAN = dt.timedelta(days=35)
# What happened just now may still be on its way to us.
SETTLING = dt.timedelta(hours=1)


@transaction.atomic
def prove(*, settling: dt.timedelta = SETTLING) -> ProofRun:
    """Compare our books with the gateway's over the last five weeks, and with themselves; keep each difference once,
    and mail the finance people when any is unexplained. In system context. OutcomeUnknown or Refused when the gateway's
    book could not be read: then nothing is written."""
    until = clock.now() - settling
    since = until - SPAN
    run = ProofRun(since=since, until=until, asked_gateway=gateway.is_configured())
    findings: list[Finding] = []
    if run.asked_gateway:
        book = outside.read_book(since, until)
        findings += [*outside.compare_book(book), *outside.missing_there(book, since, until)]
        run.payments, run.refunds, run.disputes = len(book.charges), len(book.refunds), len(book.disputes)
    findings += [*inside.refund_sums(Payment.objects.all()), *inside.unsettled_fees(Enrollment.objects.all())]
    findings += inside.unpaid_courses(Enrollment.objects.all(), since)
    run.enrollments = Enrollment.objects.filter(enrolled_at__gte=since, enrolled_at__lt=until).count()
    run.save(force_insert=True)
    run.found, run.gone = keep(run, findings)
    run.unexplained = ProofDifference.objects.filter(status=DifferenceStatus.OPEN).count()
    run.finished_at = clock.now()
    run.save(update_fields=["found", "gone", "unexplained", "finished_at", "updated_at"])
    record("proofrun.finished", run, payload={"found": run.found, "unexplained": run.unexplained})
    if run.unexplained:
        _raise_alarm(run)
    return run


def _raise_alarm(run: ProofRun) -> None:
    note(
        "proofs", f"{run.unexplained} differences in the books are unexplained.", level=Level.ERROR,
        proof=str(run.pk), found=run.found,
    )  # fmt: skip
    people = User.objects.filter(is_active=True, is_process=False)
    finance = list(people.filter(platform_role=PlatformRole.FINANCE))
    for person in finance or people.filter(platform_role=PlatformRole.ADMIN):
        notify(
            "proof.differences",
            to=person.email,
            language=person.language,
            context={
                "name": person.get_short_name(), "unexplained": run.unexplained, "found": run.found,
                "link": settings.SITE_URL.rstrip("/") + reverse("admin:proofs_proofrun_change", args=[run.pk]),
            },
            dedupe_key=f"proof:{run.pk}:{person.pk}",
            person=person.pk,
            about=run,
        )  # fmt: skip
