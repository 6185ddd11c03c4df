from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "unknown_court": ErrorText(
            _("There is no such court district."), _("Choose a district from the list."), 400
        ),
        "services_required": ErrorText(
            _("At least one service and one district are needed."), _("Choose what you offer and where."), 400
        ),
        "nonprofit_required": ErrorText(
            _("Only a nonprofit organization may be approved for credit counseling."),
            _("Confirm that the organization is a nonprofit, or leave credit counseling out."),
            400,
        ),
        "application_denied": ErrorText(
            _("This application was denied."), _("Start the review again first.")
        ),
        "application_without_provider": ErrorText(
            _("There is no provider for this application yet."), _("Press “Create provider” first.")
        ),
        "district_not_approved": ErrorText(
            _("%(provider)s is not approved for %(service)s in %(district)s on this day."),
            _("Choose a provider that is approved there, or ask the provider about its approval."),
        ),
        "provider_not_open": ErrorText(
            _("This provider takes no new clients at the moment."), _("Choose another provider from the list.")
        ),
        "provider_profile_incomplete": ErrorText(
            _("The provider's profile lacks what clients must be told first: %(missing)s."),
            _("The provider fills this in on its profile; then try again."),
        ),
        "approval_too_long": ErrorText(
            _("An approval of this kind ends no later than %(latest)s."),
            _("Shorten it: a first approval lasts at most six months, a later one at most a year."),
            400,
        ),
        "approval_ends_before_it_begins": ErrorText(
            _("An approval has to end after it begins."), _("Check both dates."), 400
        ),
        "approval_overlaps": ErrorText(
            _("There is an approval for this district and service in that time already (%(first)s to %(last)s)."),
            _("Let the new one begin after it."),
        ),
    }
)  # fmt: skip
