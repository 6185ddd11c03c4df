"""What stands in a volume behind lists and sidebar and waits for nobody: waivers granted, jobs done, mails sent."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.rows import identity, insert

MODELS = ("payments.FeeWaiver", "jobs.Job", "notifications.Message")
_TENTH = "v_enrollment WHERE n % 10 = 0"


def statements() -> Iterator[str]:
    """After those of `tests.bench.rows`, in the same transaction."""
    yield insert(
        "payments.FeeWaiver", "v_enrollment WHERE waived", id=identity("waiver", "n"), provider_id="provider",
        enrollment_id=identity("enrollment", "n"), status="'granted'", household_size="3",
        annual_income_cents="2000000", state="'CA'", threshold_cents="3873000", guideline_year="2026",
        is_presumed="true", waiver_class="'mandatory_full'", created_at="at", updated_at="at",
    )  # fmt: skip
    yield insert(
        "jobs.Job", _TENTH, id=identity("job", "n"), organization_id="provider", kind="'notifications.send'",
        subject_type="'enrollments.enrollment'", subject_id=f"{identity('enrollment', 'n')}::text",
        dedupe_key="'bulk-' || n", state="'done'", attempts="1", created_at="at", updated_at="at", not_before="at",
    )  # fmt: skip
    yield insert(
        "notifications.Message", _TENTH, id=identity("message", "n"), organization_id="provider",
        event="'enrollments.invited'", to="'client' || n || '@bulk.example'", subject="'Your course'",
        text_body="'Welcome.'", html_body="'<p>Welcome.</p>'", message_id="'<bulk-' || n || '@certaos.example>'",
        dedupe_key="'bulk-' || n", state="'sent'", sent_at="at", created_at="at", updated_at="at",
    )  # fmt: skip
