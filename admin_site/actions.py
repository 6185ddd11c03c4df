"""Buttons of the console: one declaration gives the confirm dialog, the checks and the bulk form.

    @console_register(Certificate)
    class CertificateAdmin(ConsoleModelAdmin):
        @post_action(
            permission="certificates.revoke_certificate",
            title=_("Revoke"),
            confirm=_("The certificate stays on record as revoked. This cannot be undone."),
            reason=True,
            states={CertificateStatus.VALID},
            danger=True,
        )
        def revoke(self, request, certificate, *, reason):
            revoke_certificate(certificate, reason=reason)
            return _("Revoked.")

GET shows what would happen and never acts. POST loads the row through `get_queryset`, locks it, checks the permission
on that row and the predicate, and calls the method inside a savepoint with the row itself. A DomainError from there
becomes a message with code, sentence and next action, and nothing is written.

The method receives the row, then by keyword `reason` when `reason=True` and `data` (cleaned form data) when `form` is
given. It returns the sentence to show, or None. Audit is written by the service it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold import widgets

from admin_site.proof import ProofForm
from core.errors import DomainError
from organizations.backends import allows

Text = str | Promise
BULK_LIMIT = 200
_OURS = frozenset({"reason", "seen", "proof"})


@dataclass(frozen=True, slots=True)
class PostAction:
    """What `post_action` declared, and the method behind it."""

    name: str
    method: Callable[..., Any]
    permission: str
    title: Text
    confirm: Text = ""
    reason: bool = False
    form: type[ActionForm] | None = None
    available: Callable[[Any], DomainError | None] | None = None
    states: Collection[str] = field(default_factory=frozenset)
    state_field: str = ""
    icon: str = ""
    danger: bool = False
    detail: bool = True
    row: bool = False
    bulk: bool = False
    lock: bool = True
    exists: Callable[[], bool] | None = None
    fresh: bool = False

    @property
    def is_here(self) -> bool:
        """Whether this installation has the action at all."""
        return self.exists is None or self.exists()

    def is_held_somewhere(self, request: HttpRequest) -> bool:
        """Whether the person holds the permission on any row at all."""
        return self.is_here and allows(request.actor, self.permission)

    def refusal(self, request: HttpRequest, row: models.Model) -> DomainError | None:
        """Why this person cannot do this to this row now; None when the way is free."""
        if not allows(request.actor, self.permission, row):
            return DomainError("permission_denied")
        return self.state_refusal(row)

    def state_refusal(self, row: models.Model) -> DomainError | None:
        """Why this cannot be done to this row now, whoever asks for it: a part of it out of sight, its state, or the
        declared guard; None when the way is free."""
        if not getattr(row, "is_whole", True):
            return DomainError("permission_denied")
        if self.states and getattr(row, self.state_field) not in self.states:
            return DomainError("action_not_now", state=_state_label(row, self.state_field))
        return self.available(row) if self.available else None

    def run(self, admin: Any, request: HttpRequest, row: models.Model, cleaned: dict[str, Any]) -> Text:
        """Call the method with what it declared it wants; returns the sentence to show."""
        given: dict[str, Any] = {}
        if self.reason:
            given["reason"] = cleaned["reason"]
        if self.form is not None:
            given["data"] = {name: value for name, value in cleaned.items() if name not in _OURS}
        return self.method(admin, request, row, **given) or _("Done.")

    def form_class(self) -> type[ActionForm]:
        """The dialog's form: the declared fields, and the reason where one is required."""
        parents = (self.form,) if self.form is not None else (ActionForm,)
        if not self.reason:
            return type("FreshActionForm", parents, {"fresh": True}) if self.fresh else parents[0]
        reason = forms.CharField(
            label=_("Reason"), max_length=1000, strip=True, help_text=_("Kept on the record."),
            widget=forms.Textarea(attrs={"rows": 3}),
        )  # fmt: skip
        return type("ReasonedActionForm", parents, {"reason": reason, "fresh": self.fresh})


class ActionForm(ProofForm):
    """Base of an action's form. `row` is the row acted on (None for several), `request` the request; override
    `__init__` to narrow choices by them, and call super first. Widgets get the console's look by themselves."""

    fresh = False
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, request: HttpRequest, row: models.Model | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.row = row
        for bound in self.fields.values():
            dress(bound)
        self.order_fields([name for name in self.fields if name != "reason"])
        if self.fresh:
            self.ask_for_proof()


_DRESSES: tuple[tuple[type[forms.Widget], type[forms.Widget]], ...] = (
    (forms.Textarea, widgets.UnfoldAdminTextareaWidget),
    (forms.CheckboxSelectMultiple, widgets.UnfoldAdminCheckboxSelectMultiple),
    (forms.CheckboxInput, widgets.UnfoldBooleanWidget),
    (forms.RadioSelect, widgets.UnfoldAdminRadioSelectWidget),
    (forms.SelectMultiple, widgets.UnfoldAdminSelectMultipleWidget),
    (forms.Select, widgets.UnfoldAdminSelectWidget),
    (forms.DateInput, widgets.UnfoldAdminTextInputWidget),
    (forms.NumberInput, widgets.UnfoldAdminIntegerFieldWidget),
    (forms.EmailInput, widgets.UnfoldAdminEmailInputWidget),
    (forms.TextInput, widgets.UnfoldAdminTextInputWidget),
)


def dress(bound: forms.Field) -> None:
    """Give a plain Django widget the console's classes, keeping the widget itself (its choices, its type); a file
    field gets the console's own."""
    if bound.widget.is_hidden or type(bound.widget).__module__.startswith("unfold"):
        return
    if isinstance(bound.widget, forms.FileInput):
        # unfold's script takes every file field for one with its own markup.
        bound.widget = widgets.UnfoldAdminFileFieldWidget(bound.widget.attrs)
        bound.widget.is_required = bound.required
        return
    for plain, dressed in _DRESSES:
        if isinstance(bound.widget, plain):
            look = dressed().attrs.get("class", "")
            bound.widget.attrs["class"] = f"{bound.widget.attrs.get('class', '')} {look}".strip()
            if plain is forms.DateInput:
                bound.widget.input_type = "date"
                bound.widget.format = "%Y-%m-%d"
            return


def post_action(
    *,
    permission: str,
    title: Text,
    confirm: Text = "",
    reason: bool = False,
    form: type[ActionForm] | None = None,
    available: Callable[[Any], DomainError | None] | None = None,
    states: Collection[str] = frozenset(),
    state_field: str = "status",
    icon: str = "",
    danger: bool = False,
    detail: bool = True,
    row: bool = False,
    bulk: bool = False,
    lock: bool = True,
    exists: Callable[[], bool] | None = None,
    fresh: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a method of a ConsoleModelAdmin as an action that only ever acts on POST.

    permission          `app.codename`, asked for each row
    title, confirm      the button, and the sentence above it that says what will happen
    reason              ask for a reason and pass it on
    form                an ActionForm with further fields; the method receives `data`
    available, states   when it can be done: a guard `(row) -> DomainError | None`, or the states it starts from;
                        otherwise the button is shown disabled with the reason
    detail, row, bulk   where it is offered: on the record, in the menu of a line, for many ticked lines
    lock                lock the row; False for rows the web role may not update, and where the service locks in its
                        own order
    exists              whether this installation has the action: without it the button is gone and the address is 404
    fresh               the dialog asks for the password or a code when the last proof is older than FRESH_MINUTES
    """

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        method.console_action = PostAction(
            name=method.__name__, method=method, permission=permission, title=title, confirm=confirm, reason=reason,
            form=form, available=available, states=frozenset(states), state_field=state_field, icon=icon,
            danger=danger, detail=detail, row=row, bulk=bulk, lock=lock, exists=exists, fresh=fresh,
        )  # fmt: skip
        return method

    return declare


def console_view(
    path: str,
    *,
    permission: str,
    detail: bool = True,
    methods: Collection[str] = ("GET", "HEAD"),
    title: Text = "",
    icon: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a method as a page of its own under the model's address.

    With `detail` the method receives the row, loaded through `get_queryset` and checked for `permission`; otherwise
    the permission is asked without a row. Other HTTP methods than `methods` are answered 405. With a `title` the page
    is offered as a button on the record.
    """

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        method.console_page = ConsolePage(
            name=method.__name__, path=path, permission=permission, detail=detail, methods=frozenset(methods),
            title=title, icon=icon,
        )  # fmt: skip
        return method

    return declare


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """What `console_view` declared."""

    name: str
    path: str
    permission: str
    detail: bool
    methods: frozenset[str]
    title: Text = ""
    icon: str = ""


def declared(owner: type, mark: str) -> list[Any]:
    """What `post_action` or `console_view` declared on a class and its parents, in order of definition."""
    found: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        for name, member in vars(base).items():
            if getattr(member, mark, None) is not None:
                found[name] = getattr(member, mark)
            else:
                found.pop(name, None)
    return list(found.values())


def _state_label(row: models.Model, name: str) -> str:
    display = getattr(row, f"get_{name}_display", None)
    return str(display() if display else getattr(row, name))
