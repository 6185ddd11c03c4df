"""What stands in an address: ids, slugs and tokens for every kind of argument. An argument nobody can fill fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.core import signing
from django.db import models
from django.urls import reverse

from admin_site.site import console
from enrollments.models import Enrollment
from files.links import SALT
from tests.database import as_system
from tests.matrix.discovery import Act, related_filters
from tests.matrix.objects import ABSENT, MALFORMED, NO_ROW, Objects


class Unfillable(AssertionError):
    """No rule says what belongs into this address."""


def model_of(act: Act) -> type[models.Model] | None:
    """Whose ids the address takes: the console's own model, or what the site's arguments mean."""
    if act.model is not None:
        return act.model if act.arguments and act.what not in {"options", "no_options"} else None
    if act.route in _BY_ROUTE:
        return apps.get_model(_BY_ROUTE[act.route])
    return {"UUIDConverter": Enrollment, "IntConverter": apps.get_model("usersessions.UserSession")}.get(
        dict(act.arguments).get("pk", "")
    )


_BY_ROUTE = {
    "file": "files.StoredFile",
    "website:invitation": "organizations.Invitation",
    "website:verify_code": "certificates.Certificate",
    "website:enroll": "organizations.Organization",
    "website:enroll_resume": "organizations.Organization",
    "website:enroll_thanks": "organizations.Organization",
}


def address(act: Act, scope: str, objects: Objects, person: Any) -> str | None:
    """The address of one cell; None when there is no row of this kind."""
    model = model_of(act)
    key = key_of(act, scope, objects)
    if model is not None and key is None:
        return None
    values = {name: _value(act, name, kind, key or "", objects, person) for name, kind in act.arguments}
    return _reverse(act, values)


def key_of(act: Act, scope: str, objects: Objects) -> str | None:
    """The id of a cell; on the site a course that is being studied stands for a client's."""
    model = model_of(act)
    if model is None or scope == NO_ROW:
        return ""
    if model is Enrollment and act.area == "site" and scope in {"mine", "foreign"}:
        return objects.world._rows["studying_a" if scope == "mine" else "studying_b"][1]
    return objects.key(model, scope)


def _reverse(act: Act, values: dict[str, str]) -> str:
    """Through the product's own table of addresses, or by hand where the value does not fit the converter."""
    route = act.route
    try:
        if values and all(name.isdigit() for name in values):
            return reverse(route, args=list(values.values()))
        return reverse(route, kwargs=values)
    except Exception:  # noqa: BLE001 -- a malformed value, or a pattern without a name
        return _by_hand(act, values)


def _by_hand(act: Act, values: dict[str, str]) -> str:
    import re  # noqa: PLC0415 -- used here alone

    text = act.pattern.replace("^", "").replace("$", "").replace("\\Z", "")
    left = list(values.values())
    text = re.sub(r"<[^>]+>|\(\?P<\w+>(?:[^()]|\([^)]*\))*\)|\([^)]*\)", lambda _: left.pop(0), text)
    if left or "(" in text or "<" in text:
        raise Unfillable(f"{act.name}: {act.pattern}")
    return "/" + text


def _value(act: Act, name: str, kind: str, key: str, objects: Objects, person: Any) -> str:
    find = _FILLERS.get((act.route, name)) or _FILLERS.get((act.what, name)) or _FILLERS.get(("", name))
    if find is not None:
        return find(key, objects, person)
    if act.what in {"options", "no_options"} and act.model is not None:
        return (related_filters(console.get_model_admin(act.model)) or ["organization"])[0]
    if act.area == "console" and act.model is not None and name in {"object_id", "0"}:
        return key
    raise Unfillable(f"{act.name}: nothing fills {name} ({kind})")


def _version(key: str, objects: Objects, person: Any) -> str:
    """A true version of that very row where it has one."""
    return _VERSIONS.get(key, ABSENT)


_VERSIONS: dict[str, str] = {}


def learn_versions() -> None:
    """Remember one history id of every tracked row."""
    with as_system():
        for model in apps.get_models():
            if hasattr(model, "instance_type"):
                for pk, version in model._base_manager.values_list("id", "history_id"):
                    _VERSIONS[str(pk)] = str(version)


def _file_token(key: str, objects: Objects, person: Any) -> str:
    """A link as the product makes it for this very person; a bare word for a malformed one."""
    if key == MALFORMED or person.user is None:
        return "no-token"
    return signing.dumps([key.replace("-", ""), person.user.pk.hex], salt=SALT)


def _code(key: str, objects: Objects, person: Any) -> str:
    from certificates.models import Certificate  # noqa: PLC0415 -- needs the settings

    with as_system():
        found = Certificate._base_manager.filter(pk=key).first() if key not in {ABSENT, MALFORMED} else None
    return found.verification_code if found else "AAAA-AAAA-AAAA-AAAA"


def _invitation(key: str, objects: Objects, person: Any) -> str:
    from organizations.models import Invitation  # noqa: PLC0415 -- needs the settings

    with as_system():
        found = Invitation._base_manager.filter(pk=key).first() if key not in {ABSENT, MALFORMED} else None
    return found.email if found else "no-such-token"


def _slug(key: str, objects: Objects, person: Any) -> str:
    from organizations.models import Organization  # noqa: PLC0415 -- needs the settings

    with as_system():
        found = Organization._base_manager.filter(pk=key).first() if key not in {ABSENT, MALFORMED} else None
    return found.slug if found else "no-such-provider"


Filler = Callable[[str, Objects, Any], str]
_FILLERS: dict[tuple[str, str], Filler] = {
    ("version", "0"): lambda key, *_: key,
    ("version", "1"): _version,
    ("", "pk"): lambda key, *_: key,
    ("health_probe", "name"): lambda *_: "ready",
    ("website:not_me", "token"): lambda *_: "no-token",
    ("", "view"): lambda *_: ABSENT,
    ("", "edit"): lambda *_: ABSENT,
    ("file", "token"): _file_token,
    ("website:invitation", "token"): _invitation,
    ("website:verify_code", "code"): _code,
    ("website:enroll", "slug"): _slug,
    ("website:enroll_resume", "slug"): _slug,
    ("website:enroll_thanks", "slug"): _slug,
    ("website:article", "slug"): lambda *_: "court-filing",
    ("website:course_lesson", "chapter"): lambda *_: "your-situation",
    ("website:course_lesson", "slug"): lambda *_: "how-this-session-works",
    ("account_confirm_email", "key"): lambda *_: "no-such-key",
    ("account_reset_password_from_key", "uidb36"): lambda *_: "a1",
    ("account_reset_password_from_key", "key"): lambda *_: "set-password",
    ("anything", "url"): lambda *_: "r/1/1/",
    ("app_list", "app_label"): lambda *_: "enrollments",
}
