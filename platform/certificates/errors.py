"""Why a certificate, or the step before or after it, is refused."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        # --- The counselor's part -----------------------------------------------------------------------------------
        "not_a_counselor": ErrorText(
            _("Only a counselor of this provider may do this."),
            _("Ask the provider to give that person the role first."),
            403,
        ),
        "interaction_required": ErrorText(
            _("A talk with the client in which you asked for identification again is not on record yet."),
            _("Talk with the client by phone, chat, e-mail, video or in person, then record it."),
        ),
        "interaction_not_now": ErrorText(
            _("A talk can be recorded while the client takes the course or waits for the counselor."),
            _("Look at the enrollment for its next step."),
        ),
        "interaction_times": ErrorText(
            _("A talk ends after it begins, and not in the future."), _("Correct the two times."), 400
        ),
        # --- Issuing ------------------------------------------------------------------------------------------------
        "not_completed": ErrorText(
            _("A certificate follows only a completed course."), _("Complete the enrollment first.")
        ),
        "completion_unknown": ErrorText(
            _("It is not on record when the course was completed, or by whom."),
            _("Ask the platform to correct the enrollment."),
        ),
        "cgs_number_missing": ErrorText(
            _("There is no official number left for %(kind)s in the %(district)s."),
            _("Draw numbers in the government’s system, then import or type them."),
        ),
        "name_unprintable": ErrorText(
            _("These letters cannot be printed on a certificate: %(letters)s"),
            _("Correct the name and write it in Latin letters."),
        ),
        # --- Official numbers ---------------------------------------------------------------------------------------
        "cgs_number_invalid": ErrorText(
            _("This is no certificate number."), _("It looks like 01234-CAC-CC-012345678."), 400
        ),
        "cgs_number_simulated": ErrorText(
            _("Numbers that begin with 00000 come from the simulator and are not official."),
            _("Use the number that the government’s system gave you."),
            400,
        ),
        "cgs_number_wrong_kind": ErrorText(
            _("This number is for the other course."), _("Choose the course that stands in the number."), 400
        ),
        "cgs_number_wrong_district": ErrorText(
            _("This number is for another district."), _("Choose the district that stands in the number."), 400
        ),
        "cgs_number_wrong_agency": ErrorText(
            _("This number begins with another agency’s number; yours is %(agency)s."),
            _("Check the number, or the agency number in your profile."),
            400,
        ),
        "cgs_number_taken": ErrorText(
            _("This number is on record already."), _("Each number is recorded and used once."), 400
        ),
        "cgs_number_other_enrollment": ErrorText(
            _("The enrollment does not fit this number."),
            _("Choose an enrollment of the same provider, course and district."),
            400,
        ),
        # --- Release and filing -------------------------------------------------------------------------------------
        "release_not_yours": ErrorText(
            _("Only the client may say who receives the certificate."),
            _("Ask the client to do it on their own page."),
            403,
        ),
        "release_no_firm": ErrorText(
            _("This law firm is not part of this enrollment."), _("Give your lawyer the certificate yourself."), 400
        ),
        "cc_never_filed": ErrorText(
            _("A counseling agency never files its certificates with a court (28 CFR 58.22)."),
            _("The client or their attorney files it with the petition."),
        ),
        "filing_evidence_required": ErrorText(
            _("The evidence must be one PDF of at most 10 MB, like the court’s notice of electronic filing."),
            _("Save the notice as PDF and choose it again."),
            400,
        ),
        "filing_date": ErrorText(
            _("A certificate is filed between the day it was issued and today."), _("Correct the date."), 400
        ),
        "filing_needs_certificate": ErrorText(
            _("There is no valid certificate to file."), _("Issue or replace the certificate first.")
        ),
    }
)
