"""Codes of the second step: each counts once, however many try it at the same moment."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils.crypto import constant_time_compare

from accounts.models import User

LAST_STEP = "last_step"


def step_of(secret: str, code: str) -> int | None:
    """The time step for which `code` is right; None when it is for none within the tolerance."""
    digits = "".join(code.split())
    for step in yield_hotp_counters_from_time():
        if constant_time_compare(digits, format_hotp_value(hotp_value(secret, step))):
            return step
    return None


@transaction.atomic
def use_code(user: User, code: str) -> Authenticator | None:
    """The factor that `code` proves, used up with it; None when it proves nothing.

    A time step of the app counts once and never after a later one; a backup code counts once. The row is locked until
    the caller's transaction ends, so that of many at the same moment one gets through.
    """
    rows = Authenticator.objects.select_for_update().filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    for row in rows.order_by("pk"):
        row.user = user
        if row.type == Authenticator.Type.TOTP:
            step = step_of(decrypt(row.data["secret"]), code)
            if step is not None:
                return row if mark_step(row, step) else None
        elif row.wrap().validate_code("".join(code.split())):
            return Authenticator.objects.get(pk=row.pk)
    return None


def mark_step(row: Authenticator, step: int) -> bool:
    """Use up `step` and all before it; False when it was used already. The row must be locked."""
    if step <= row.data.get(LAST_STEP, 0):
        return False
    row.data[LAST_STEP] = step
    row.save(update_fields=["data"])
    return True


def mark_activated(user: User, code: str) -> None:
    """The code that switched the app on cannot sign in as well."""
    try:
        row = Authenticator.objects.select_for_update().get(user=user, type=Authenticator.Type.TOTP)
    except ObjectDoesNotExist:
        return
    mark_step(row, step_of(decrypt(row.data["secret"]), code) or 0)


def has_factor(user: User) -> bool:
    """Whether the person signs in with a second step: an app or a passkey; backup codes alone are none."""
    return Authenticator.objects.filter(
        user=user, type__in=(Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    ).exists()
