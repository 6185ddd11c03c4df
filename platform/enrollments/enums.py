from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class EnrollmentStatus(models.TextChoices):
    INVITED = "invited", _("Invited")
    ENROLLED = "enrolled", _("Enrolled")
    IN_PROGRESS = "in_progress", _("In the course")
    REVIEW = "review", _("With the counselor")
    COMPLETED = "completed", _("Completed")
    CERT_ISSUED = "cert_issued", _("Certificate issued")
    FILED = "filed", _("Filed with the court")
    CANCELLED = "cancelled", _("Cancelled")


ENROLLMENT_TRANSITIONS = {
    EnrollmentStatus.INVITED: frozenset({EnrollmentStatus.ENROLLED, EnrollmentStatus.CANCELLED}),
    EnrollmentStatus.ENROLLED: frozenset({EnrollmentStatus.IN_PROGRESS, EnrollmentStatus.CANCELLED}),
    EnrollmentStatus.IN_PROGRESS: frozenset({EnrollmentStatus.REVIEW, EnrollmentStatus.CANCELLED}),
    EnrollmentStatus.REVIEW: frozenset(
        {EnrollmentStatus.COMPLETED, EnrollmentStatus.IN_PROGRESS, EnrollmentStatus.CANCELLED}
    ),
    EnrollmentStatus.COMPLETED: frozenset({EnrollmentStatus.CERT_ISSUED}),
    EnrollmentStatus.CERT_ISSUED: frozenset({EnrollmentStatus.FILED}),
    EnrollmentStatus.FILED: frozenset(),
    EnrollmentStatus.CANCELLED: frozenset(),
}
NOT_BEGUN = frozenset({EnrollmentStatus.INVITED, EnrollmentStatus.ENROLLED})
STUDYING = frozenset({EnrollmentStatus.ENROLLED, EnrollmentStatus.IN_PROGRESS})
FINISHED = frozenset({EnrollmentStatus.COMPLETED, EnrollmentStatus.CERT_ISSUED, EnrollmentStatus.FILED})
ENDED = frozenset({EnrollmentStatus.FILED, EnrollmentStatus.CANCELLED})


class RequestStatus(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    REVIEWING = "reviewing", _("Reviewing")
    INVITED = "invited", _("Invited")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")


WAITING = (RequestStatus.SUBMITTED, RequestStatus.REVIEWING)
REQUEST_TRANSITIONS = {
    RequestStatus.SUBMITTED: frozenset(
        {RequestStatus.REVIEWING, RequestStatus.INVITED, RequestStatus.REJECTED, RequestStatus.CANCELLED}
    ),
    RequestStatus.REVIEWING: frozenset({RequestStatus.INVITED, RequestStatus.REJECTED, RequestStatus.CANCELLED}),
    RequestStatus.INVITED: frozenset(),
    RequestStatus.REJECTED: frozenset({RequestStatus.REVIEWING}),
    RequestStatus.CANCELLED: frozenset(),
}


class FilingMode(models.TextChoices):
    INDIVIDUAL = "individual", _("For myself")
    JOINT = "joint", _("Together with my spouse")


class Chapter(models.TextChoices):
    SEVEN = "7", _("Chapter 7")
    ELEVEN = "11", _("Chapter 11")
    TWELVE = "12", _("Chapter 12")
    THIRTEEN = "13", _("Chapter 13")


class InteractionMethod(models.TextChoices):
    """How client and counselor spoke; e-mail, chat and phone all count (28 CFR 58.22(a))."""

    PHONE = "phone", _("Phone")
    CHAT = "chat", _("Chat")
    EMAIL = "email", _("E-mail")
    IN_PERSON = "in_person", _("In person")
    VIDEO = "video", _("Video")


class DeliveryMethod(models.TextChoices):
    INTERNET = "internet", _("Internet")
    TELEPHONE = "telephone", _("Telephone")
    IN_PERSON = "in_person", _("In person")


class PaymentLabel(models.TextChoices):
    """Who bears the fee of an enrollment, in a word. `CHARGED_BACK` is said of a payment only: a bank took it back."""

    WAIVED = "waived", _("Waived")
    PAID = "paid", _("Paid")
    HOUSEHOLD_PAID = "household_paid", _("Household paid")
    CLIENT_PAYS = "client_pays", _("Client pays")
    CHARGED_BACK = "charged_back", _("Charged back")
