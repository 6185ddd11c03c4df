"""How allauth's pages behave here: who may sign up and in, which mails go out, and where people land."""

from __future__ import annotations

import io
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.agents import device_name
from accounts.devices import is_known, remember
from accounts.limits import try_secret, was_right
from accounts.models import User
from accounts.protection import not_me_link
from accounts.sessions import is_fresh
from audit.models import Level
from audit.services import note
from core import clock
from core.context import Actor, Kind, acting, current_actor
from core.crypto import seal, unseal
from enrollments.models import Client
from enrollments.services.invitations import claim_clients
from notifications.services import notify
from organizations.actors import GENERATION_KEY
from organizations.enums import InvitedRole
from organizations.models import Invitation
from organizations.services.invitations import accept_invitation

# The package's name of a mail → our event. A mail without a line here would be one nobody wrote a text for.
MAILS = {
    "account/email/account_already_exists": "user.account_exists",
    "account/email/email_changed": "user.email_changed",
    "account/email/email_confirm": "user.email_changed",
    "account/email/email_confirmation": "user.verify_email",
    "account/email/email_confirmation_signup": "user.verify_email",
    "account/email/email_deleted": "user.email_changed",
    "account/email/password_changed": "user.password_changed",
    "account/email/password_reset": "user.password_changed",
    "account/email/password_reset_key": "user.password_reset",
    "account/email/password_set": "user.password_changed",
    "account/email/unknown_account": "user.unknown_account",
    "mfa/email/recovery_codes_generated": "user.second_factor_changed",
    "mfa/email/totp_activated": "user.second_factor_changed",
    "mfa/email/totp_deactivated": "user.second_factor_changed",
    "mfa/email/webauthn_added": "user.second_factor_changed",
    "mfa/email/webauthn_removed": "user.second_factor_changed",
}


# Mails about a change that a stranger may have made; they carry the way back.
ALARMS = frozenset({"user.email_changed", "user.password_changed", "user.second_factor_changed"})


def at_site(address: str) -> str:
    """A path, or the path of an address, on the site people use; never on the host a request claims."""
    parts = urlsplit(address)
    return settings.SITE_URL.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


def let_in(request: Any, invitation: Invitation, user: User) -> None:
    """Accept an invitation in the person's own name. Other sessions of theirs end where a role changed; this one
    goes on under a new key."""
    with acting(replace(request.actor, user_id=user.pk, label=user.email)):
        accept_invitation(invitation, user)
        if invitation.role == InvitedRole.CLIENT:
            _take_name(user, claim_clients(user, invitation))
    if request.user.is_authenticated:
        request.session.cycle_key()
        request.session[GENERATION_KEY] = user.session_generation


def _take_name(user: User, clients: list[Client]) -> None:
    """A client is asked for no name at sign-up: the provider knows it already."""
    if clients and not user.get_full_name():
        user.first_name, user.last_name = clients[0].first_name, clients[0].last_name
        user.save(update_fields=["first_name", "last_name"])


class AccountAdapter(DefaultAccountAdapter):
    """Our rules for allauth's flows."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """The package's own sign-up page leads to ours, which judges by itself."""
        match = request.resolver_match
        if match is not None and match.url_name == "account_signup":
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("website:sign_up")))
        return True

    def new_user(self, request: HttpRequest) -> User:
        """A new person, or the one whose lost login comes back."""
        return getattr(request, "returning_person", None) or User(language=get_language() or "en")

    def populate_username(self, request: HttpRequest, user: User) -> None:
        user.username = user.email

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        if user.is_process:
            clear_login(request)
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in under a new session key, and tell the person by mail when the browser is new to them. The time of
        it is no new version of the person."""
        has_been_here = user.last_login is not None
        user.skip_history_when_saving = True  # type: ignore[attr-defined]  # -- read by simple-history
        super().login(request, user)
        del user.skip_history_when_saving  # type: ignore[attr-defined]  # -- read by simple-history
        if has_been_here and not is_known(request, user):
            self._tell_of_device(request, user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        remember(request, response, user)
        return response

    def _tell_of_device(self, request: HttpRequest, user: User) -> None:
        notify(
            "user.new_device",
            to=user.email,
            language=user.language,
            context={
                "at": clock.now(),
                "device": device_name(request.headers.get("User-Agent", "")),
                "address": self.get_client_ip(request),
                "not_me_url": not_me_link(user),
            },
            dedupe_key=f"new_device:{uuid.uuid4().hex}",
            person=user.pk,
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """A try counts before it is judged, for the account and for the address: so known and unknown accounts, and
        tries at the same moment, meet the same limit."""
        self._tried = (credentials.get("email") or credentials.get("username") or "").strip().lower()
        try_secret("password", self._tried, self.get_client_ip(request))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None:
            was_right("password", self._tried, self.get_client_ip(request))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        note("sign_in", "A sign-in was refused.", level=Level.WARNING, address=self.get_client_ip(request))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """For the second step a sign-in of this minute is proof enough; everything else asks anew."""
        if app == "allauth.mfa":
            return not is_fresh(self.request)
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("website:dashboard")

    get_signup_redirect_url = get_login_redirect_url

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("website:home")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("website:account")

    def get_reset_password_from_key_url(self, key: str) -> str:
        return at_site(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return at_site(super().get_email_confirmation_url(request, emailconfirmation))

    def send_notification_mail(self, template_prefix: str, user: Any, context: Any = None, email: Any = None) -> None:
        super().send_notification_mail(template_prefix, user, {"user": user, **(context or {})}, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Every mail of the package goes out as one of our events, in the language of the page. Some are sent after
        the request's transaction, where nobody acts any more."""
        with acting(current_actor() or Actor(kind=Kind.AUTH)):
            self._send(template_prefix, email, context)

    def _send(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        user = context.get("user")
        facts: dict[str, Any] = {
            name: context[name] for name in ("activate_url", "password_reset_url", "to_email") if name in context
        }
        links = {"sign_up_url": reverse("website:sign_up"), "reset_url": reverse("account_reset_password")}
        if isinstance(user, User) and MAILS[template_prefix] in ALARMS:
            # The address that lost the account gets the link that gives it back.
            lost = email if template_prefix == "account/email/email_changed" else ""
            facts["not_me_url"] = not_me_link(user, before=lost)
        notify(
            MAILS[template_prefix],
            to=email,
            language=get_language() or "en",
            context={name: at_site(path) for name, path in links.items()} | facts | {"email": email, "at": clock.now()},
            dedupe_key=f"account:{uuid.uuid4().hex}",
            person=user.pk if isinstance(user, User) else None,
        )


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of the second step are sealed like other personal fields; keys belong to the site people use."""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The site's own name; a passkey belongs to a name, so on this machine it is localhost and no number."""
        host = urlsplit(settings.SITE_URL).hostname or "localhost"
        return {"id": "localhost" if host in {"127.0.0.1", "::1"} else host, "name": "CertaOS"}

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:  # noqa: A002 -- the package's
        return _("My passkey")

    def build_totp_svg(self, url: str) -> str:
        """The picture for the code app: dark on a light ground, with the quiet zone scanners need."""
        out = io.BytesIO()
        segno.make(url, micro=False).save(out, kind="svg", scale=5, border=4, light="#fff", dark="#111", xmldecl=False)
        return out.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return seal(text, bound_to="mfa_authenticator")

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, bound_to="mfa_authenticator")
