"""Second factors for tests: an app whose codes a test can read, and backup codes."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value

from accounts.models import User
from core import clock
from tests.database import as_system


def code_of(secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or some steps of 30 seconds from now."""
    return format_hotp_value(hotp_value(secret, int(clock.now().timestamp()) // 30 + steps))


def give_app(user: User) -> str:
    """Set a code app up for `user`; returns its secret."""
    secret = generate_totp_secret()
    with as_system():
        TOTP.activate(user, secret)
    return secret


def give_backup_codes(user: User) -> list[str]:
    with as_system():
        return list(RecoveryCodes.activate(user).generate_codes())


def factors_of(user: User) -> list[str]:
    with as_system():
        return sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
