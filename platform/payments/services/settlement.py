"""What follows from a settled fee."""

from __future__ import annotations

from core.transitions import transition
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from enrollments.services.acceptance import accept_if_ready
from payments.enums import WaiverStatus
from payments.fees import is_settled
from payments.models import FeeWaiver


def lock_covered(enrollment: Enrollment) -> list[Enrollment]:
    """Lock the enrollment and those of its household that the actor can see, always in the same order."""
    covered = Enrollment.objects.filter(pk=enrollment.pk)
    if enrollment.household_id:
        covered = covered | Enrollment.objects.filter(household_id=enrollment.household_id)
    return list(covered.locked())


def lock_for_fee(enrollment: Enrollment) -> Enrollment:
    """The enrollment, locked together with its household. Enrollment.DoesNotExist when the actor cannot see it."""
    for each in lock_covered(enrollment):
        if each.pk == enrollment.pk:
            return each
    raise Enrollment.DoesNotExist


def settle(enrollment: Enrollment) -> list[Enrollment]:
    """Accept every enrollment the fee covers, the household's too, that lacks nothing else; returns those accepted.

    A waiver nobody has decided yet is withdrawn where the fee is settled. An enrollment that still lacks disclosures
    stays as it is and is accepted when its client acknowledges them.
    """
    accepted = []
    for each in lock_covered(enrollment):
        if not is_settled(each):
            continue
        for waiver in FeeWaiver.objects.filter(enrollment=each).waiting():
            transition(waiver, WaiverStatus.WITHDRAWN, reason="The fee was settled.")
        if each.status == EnrollmentStatus.INVITED and accept_if_ready(each).status == EnrollmentStatus.ENROLLED:
            accepted.append(each)
    return accepted
