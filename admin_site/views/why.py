"""The page that answers "why can't I?": for a person, an act and a record, the rule that decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from admin_site.actions import PostAction, dress
from admin_site.scoping import rows_of
from organizations.actors import load_actor
from organizations.backends import allows
from organizations.explanations import Explanation, explain

VIEW, CHANGE, ADD = "view", "change", "add"
MEMBERS = "organizations.change_membership"
_VERBS = {VIEW: gettext_lazy("See"), CHANGE: gettext_lazy("Change"), ADD: gettext_lazy("Add")}


@dataclass(frozen=True, slots=True)
class AskedAct:
    """One thing to be explained: a verb or an action of one kind of record."""

    admin: Any
    name: str
    title: str
    permission: str
    action: PostAction | None = None

    @property
    def key(self) -> str:
        return f"{self.admin.opts.label_lower}:{self.name}"


class WhyForm(forms.Form):
    """Who, what, and on which record. Everything may be left empty except the act."""

    person = forms.EmailField(required=False, label=gettext_lazy("Person"), help_text=gettext_lazy(
        "E-mail address. Leave it empty to ask about yourself."))  # fmt: skip
    act = forms.ChoiceField(label=gettext_lazy("What"))
    record = forms.CharField(required=False, max_length=500, label=gettext_lazy("Record"), help_text=gettext_lazy(
        "Its address in the console, or its number (id). Leave it empty to ask about any record."))  # fmt: skip

    def __init__(self, *args: Any, acts: dict[str, AskedAct], may_ask: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: dict[str, list[tuple[str, str]]] = {}
        for act in acts.values():
            groups.setdefault(str(act.admin.opts.verbose_name).capitalize(), []).append((act.key, act.title))
        self.fields["act"].choices = [("", _("Choose…")), *groups.items()]
        if not may_ask:
            del self.fields["person"]
        for bound in self.fields.values():
            dress(bound)


def asked_acts(site: Any) -> dict[str, AskedAct]:
    """Every act of the console by its key, as the registry declares them."""
    found = []
    for admin in site._registry.values():  # noqa: SLF001 -- Django keeps no public list
        verbs = [VIEW] if admin.read_only else [VIEW, CHANGE, *([ADD] if admin.addable else [])]
        found += [AskedAct(admin, verb, str(_VERBS[verb]), admin.permission(verb)) for verb in verbs]
        found += [
            AskedAct(admin, action.name, str(action.title), action.permission, action)
            for action in admin.declared_actions()
            if action.is_here
        ]
    return {act.key: act for act in found}


def why_view(site: Any, request: HttpRequest) -> HttpResponse:
    """GET only. A person or a record out of the asker's sight is answered like one that does not exist, with 404."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    acts = asked_acts(site)
    may_ask = bool(request.actor.platform_role) or allows(request.actor, MEMBERS)
    form = WhyForm(request.GET if request.GET.get("act") else None, acts=acts, may_ask=may_ask)
    context: dict[str, Any] = {"form": form, "title": _("Why can’t I?"), "may_ask": may_ask}
    status = 200
    if form.is_bound and form.is_valid():
        answer = _answer(request, acts[form.cleaned_data["act"]], form.cleaned_data)
        context["answer"], status = answer, 200 if answer else 404
    request.current_app = site.name
    everywhere = site.each_context(request)
    return TemplateResponse(request, "console/why.html", {**everywhere, **context}, status=status)


def _answer(request: HttpRequest, act: AskedAct, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The explanation with what it is about; None when the person or the record is not in the asker's sight."""
    person = _person(request, asked.get("person") or "")
    row = _row(request, act, asked["record"]) if asked["record"] else None
    if person is None or (asked["record"] and row is None):
        return None
    actor = request.actor if person == request.user else load_actor(person)
    return {"person": person, "act": act, "row": row, "explanation": explanation_of(actor, act, row)}


def explanation_of(actor: Any, act: AskedAct, row: models.Model | None) -> Explanation:
    """The rule that decides: whether the record is in the person's sight, then the act's own permission, then the
    state of the record."""
    if row is not None and act.name != VIEW:
        seen = explain(actor, act.admin.permission(VIEW), row)
        if not seen.allowed:
            return seen
    refusal = act.action.state_refusal(row) if act.action is not None and row is not None else None
    return explain(actor, act.permission, row, refusal=refusal)


def _person(request: HttpRequest, email: str) -> User | None:
    """The person asked about: oneself, or somebody of one's own organizations; everybody for the platform."""
    if not email or email.casefold() == request.user.email.casefold():
        return request.user  # type: ignore[return-value]  # -- the console lets nobody else in
    rows = User.objects.permitted_to(request.actor, MEMBERS)
    return rows.filter(email__iexact=email, is_active=True).first()


def _row(request: HttpRequest, act: AskedAct, text: str) -> models.Model | None:
    """The record an id or an address in the console names, if the asker sees it."""
    key = text.strip()
    if "/" in key:
        key = _key_in(act, key)
    rows = rows_of(act.admin.model, request, act.admin.permission(VIEW))
    try:
        return rows.filter(pk=key).first() if key else None
    except (ValidationError, ValueError):
        return None


def _key_in(act: AskedAct, address: str) -> str:
    path = "/" + address.split("?", 1)[0].split("//", 1)[-1].split("/", 1)[-1].lstrip("/")
    try:
        found = resolve(path)
    except Resolver404:
        return ""
    model = getattr(getattr(found.func, "model_admin", None), "model", None)
    return str(found.kwargs.get("object_id", "")) if model is act.admin.model else ""


def why_link(admin: Any, name: str, row: models.Model) -> str:
    """The page's address with the question about this very act and record filled in."""
    query = urlencode({"act": f"{admin.opts.label_lower}:{name}", "record": str(row.pk)})
    return f"{reverse(f'{admin.admin_site.name}:why')}?{query}"


__all__ = ["AskedAct", "asked_acts", "explanation_of", "why_link", "why_view"]
