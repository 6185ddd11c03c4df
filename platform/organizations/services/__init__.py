"""The verbs of the room, under one name for the rooms above."""

from organizations.services.grants import grant_access, withdraw_access
from organizations.services.invitations import (
    accept_invitation,
    copy_link,
    invite,
    refresh_invitation,
    revoke_invitation,
)
from organizations.services.memberships import (
    change_role,
    reactivate_member,
    remove_member,
    set_role,
    suspend_member,
)
from organizations.services.sessions import end_sessions

__all__ = [
    "accept_invitation",
    "change_role",
    "copy_link",
    "end_sessions",
    "grant_access",
    "invite",
    "reactivate_member",
    "refresh_invitation",
    "remove_member",
    "revoke_invitation",
    "set_role",
    "suspend_member",
    "withdraw_access",
]
