"""Who is at the other end of a public form."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from audit.services import note
from core.context import Actor

# A field people never see. Programs fill it in.
TRAP = "fax_number"


def actor_of(request: HttpRequest) -> Actor:
    """Who acts, as ContextMiddleware found out."""
    return vars(request)["actor"]


def visitor_ip(request: HttpRequest) -> str:
    """The visitor's address, past the proxies this installation trusts."""
    return str(get_adapter().get_client_ip(request))


def is_program(request: HttpRequest) -> bool:
    """Whether a form was sent by a program that fills in every field; leaves a note for the platform. It is answered
    like everyone else, and nothing is kept."""
    if not request.POST.get(TRAP):
        return False
    note("forms", "A program filled in a public form.", path=request.path)
    return True
