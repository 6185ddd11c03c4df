from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "role_needs_organization": ErrorText(
            _("This role belongs to an organization."), _("Choose the organization it is for."), 400
        ),
        "role_needs_no_organization": ErrorText(
            _("This role belongs to no organization."), _("Leave the organization empty."), 400
        ),
        "role_does_not_fit": ErrorText(
            _("This organization cannot have that role."),
            _("Counselors and provider administrators belong to providers, attorneys to law firms."),
            400,
        ),
        "role_unknown": ErrorText(_("There is no such role."), _("Choose one of the listed roles."), 400),
        "invitation_unusable": ErrorText(
            _("This invitation can no longer be used."), _("Ask the person who invited you to send it again."), 410
        ),
        "invitation_for_other_email": ErrorText(
            _("This invitation was sent to another e-mail address."),
            _("Sign in with the address that received the invitation."),
            403,
        ),
        "invitation_closed": ErrorText(
            _("This invitation was already accepted or revoked."), _("Send a new invitation.")
        ),
        "email_invalid": ErrorText(_("This is not an e-mail address."), _("Write it like name@example.com."), 400),
        "membership_not_active": ErrorText(
            _("This person does not work here at the moment."), _("Reactivate the membership first.")
        ),
        "grant_not_possible": ErrorText(
            _("This access cannot be given on this record."),
            _("Choose one of the listed records and permissions."),
            400,
        ),
        "last_owner": ErrorText(
            _("An organization needs at least one person who administers it."),
            _("Give another person that role first."),
        ),
        "not_your_rank": ErrorText(
            _("You may not give a role above your own."), _("Ask someone with a higher role."), 403
        ),
    }
)
