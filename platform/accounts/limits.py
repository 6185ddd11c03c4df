"""How often what may be tried around signing in: by address, by account, by person."""

from __future__ import annotations

from dataclasses import dataclass

from core.limits import forgive, hit


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `uses` in `seconds`, counted per `per`: the visitor's address, or the signed-in person."""

    uses: int
    seconds: int
    per: str = "address"


# Pages by the name of their URL; what is sent to them counts, not what is looked at.
PAGES: dict[str, Limit] = {
    "account_change_password": Limit(10, 300, per="person"),
    "account_confirm_email": Limit(30, 60),
    "account_email": Limit(20, 3600, per="person"),
    "account_login": Limit(60, 60),
    "account_reauthenticate": Limit(10, 300, per="person"),
    "account_reset_password": Limit(20, 300),
    "account_reset_password_from_key": Limit(20, 300),
    "mfa_activate_totp": Limit(10, 300, per="person"),
    "mfa_authenticate": Limit(60, 60),
    "mfa_login_webauthn": Limit(30, 60),
    "mfa_reauthenticate": Limit(10, 300, per="person"),
    "mfa_reauthenticate_webauthn": Limit(10, 300, per="person"),
    "website:invitation": Limit(30, 300),
    "website:sign_up": Limit(20, 300),
    "website:not_me": Limit(10, 300),
}
# Wrong passwords and codes: few for one account, more for one address, behind which an office may sit.
WRONG_FOR_ACCOUNT = Limit(5, 300)
WRONG_FROM_ADDRESS = Limit(20, 300)
RESET_FOR_ACCOUNT = Limit(5, 3600)


def try_secret(kind: str, account: str, address: str) -> None:
    """Count a try of a password or code before it is judged, for the account and for the address, so that tries at
    the same moment cannot slip past. DomainError `too_many_requests`."""
    hit(f"{kind}.address", address, limit=WRONG_FROM_ADDRESS.uses, seconds=WRONG_FROM_ADDRESS.seconds)
    hit(f"{kind}.account", account, limit=WRONG_FOR_ACCOUNT.uses, seconds=WRONG_FOR_ACCOUNT.seconds)


def was_right(kind: str, account: str, address: str) -> None:
    """The try was right: it counts for neither."""
    forgive(f"{kind}.address", address)
    forgive(f"{kind}.account", account)


def ask_for_reset(account: str) -> None:
    """Count a wish for a new password of an address, whether anyone has it or not. DomainError
    `too_many_requests`."""
    hit("reset.account", account, limit=RESET_FOR_ACCOUNT.uses, seconds=RESET_FOR_ACCOUNT.seconds)
