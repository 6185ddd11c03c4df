"""What other systems send us. Nobody is signed in here; what counts is the signature on the bytes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from audit.models import Level
from audit.services import note
from core.errors import DomainError
from core.limits import hit
from payments.gateway import LARGEST_EVENT_BYTES, SignatureRefused
from payments.services.events import receive_event
from website.visitors import visitor_ip

NOTES_A_MINUTE = 10


@csrf_exempt
@never_cache
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """Keep a verified event of the card gateway; 2xx means it is stored for good, which the middleware sees to by
    committing before the answer leaves. 400 for bytes that cannot be trusted, 413 for too many of them."""
    raw = request.read(LARGEST_EVENT_BYTES + 1)
    if len(raw) > LARGEST_EVENT_BYTES:
        return JsonResponse({"error": "too large"}, status=413)
    try:
        event_id = receive_event(raw, request.headers.get("Stripe-Signature", ""))
    except SignatureRefused as error:
        _note(visitor_ip(request), str(error))
        return JsonResponse({"error": "signature refused"}, status=400)
    return JsonResponse({"received": event_id})


def _note(address: str, why: str) -> None:
    """Tell the platform, but never so often that a stranger could fill the table."""
    try:
        hit("webhook-refused", address, limit=NOTES_A_MINUTE, seconds=60)
    except DomainError:
        return
    note("payments", "A webhook was refused.", level=Level.WARNING, why=why)
