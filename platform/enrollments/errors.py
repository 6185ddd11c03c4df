from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "disclosure_required": ErrorText(
            _("The disclosures have to be read and acknowledged first."), _("Read them and confirm that you did.")
        ),
        "disclosures_changed": ErrorText(
            _("The disclosures changed while you were reading."), _("Please read the new text and confirm it.")
        ),
        "disclosures_unavailable": ErrorText(
            _("The disclosures for this course cannot be shown at the moment."),
            _("Please call your provider. Your place is kept."),
            503,
        ),
        "details_required": ErrorText(
            _("Some details about the person are missing: %(missing)s."), _("Fill in “Your details”.")
        ),
        "details_locked": ErrorText(
            _("These details stand on the certificate and can no longer be changed here."),
            _("Call your provider if something is wrong."),
        ),
        "payment_required": ErrorText(
            _("The course fee is not paid, and no fee waiver was granted."),
            _("Pay the fee, or ask for a fee waiver. You can ask before you pay anything."),
            402,
        ),
        "name_invalid": ErrorText(
            _("This does not look like a name."), _("Write it as it stands on an identity card, without numbers."), 400
        ),
        "birth_date_invalid": ErrorText(
            _("This cannot be a birth date."), _("Check day, month and year."), 400
        ),
        "ssn_last4_invalid": ErrorText(
            _("The last part of a Social Security number has four digits and is not 0000."),
            _("Enter only the last four digits."),
            400,
        ),
        "case_number_invalid": ErrorText(
            _("This does not look like a bankruptcy case number."),
            _("Copy it from a court notice, for example 26-12345."),
            400,
        ),
        "email_required": ErrorText(
            _("An e-mail address is needed: the invitation and the certificate go there."),
            _("Enter the client's own e-mail address."),
            400,
        ),
        "joint_needs_spouse": ErrorText(
            _("For a joint filing something about the spouse is missing: %(missing)s."), _("Fill it in."), 400
        ),
        "joint_email_shared": ErrorText(
            _("Both spouses gave the same e-mail address. Each takes the course and gets a certificate alone, so each"
              " needs an own address to sign in."),
            _("Enter a different e-mail address for one of the two."),
            400,
        ),
        "already_joint": ErrorText(
            _("One of the two is linked with another spouse already."), _("Open that client and look at the household.")
        ),
        "enrollment_exists": ErrorText(
            _("This client is in such a course already and has not finished it."),
            _("Open that enrollment instead, or cancel it first."),
        ),
        "enrollment_closed": ErrorText(
            _("This enrollment has ended."), _("Make a new one if the client needs the course again.")
        ),
        "override_cc_only": ErrorText(
            _("Only credit counseling may take less than its usual time. The two hours of debtor education are law."),
            _("The client has to go on with the course."),
            403,
        ),
        "unknown_chapter": ErrorText(
            _("The chapter of the bankruptcy case is missing."), _("Choose chapter 7, 11 or 13."), 400
        ),
        "de_not_required": ErrorText(
            _("Debtor education is not required in a chapter 12 case."),
            _("No course is needed for the discharge."),
            400,
        ),
        "de_deadline_required": ErrorText(
            _("In chapters 11 and 13 the deadline depends on the plan and is never guessed."),
            _("Enter the deadline for the debtor education certificate."),
            400,
        ),
        "meeting_or_deadline_required": ErrorText(
            _("Chapter 7 needs the first date set for the meeting of creditors, or the deadline."),
            _("Enter one of the two; the court's first notice names the meeting (“341 meeting”)."),
            400,
        ),
    }
)  # fmt: skip
