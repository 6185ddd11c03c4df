"""The one address private files leave through."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from audit.models import Level
from audit.services import note
from core import clock
from files.guards import may_open
from files.links import LinkUnusable, read_token
from files.models import StoredFile
from files.services import open_verified, read

LARGEST_IN_MEMORY = 2 * 1024 * 1024


@require_safe
def download(request: Any, token: str) -> HttpResponseBase:
    """The file, to the person the link was made for, as long as they may see it.

    Every other case answers the same 404: altered, expired, somebody else's link, access lost, file gone.
    """
    file = _file_for(request, token)
    response = _streamed(file) if file.size > LARGEST_IN_MEMORY else _whole(file)
    if response is None:
        note("files", "A stored file is missing or altered.", level=Level.ERROR, file=str(file.pk))
        raise Http404
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file.name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _whole(file: StoredFile) -> HttpResponseBase | None:
    content = read(file)
    return None if content is None else HttpResponse(content, content_type=file.content_type)


def _streamed(file: StoredFile) -> HttpResponseBase | None:
    """A large file, piece by piece; no row of the database is needed any more by then."""
    stored = open_verified(file)
    if stored is None:
        return None
    response = FileResponse(stored, content_type=file.content_type)
    response["Content-Length"] = str(file.size)
    return response


def _file_for(request: Any, token: str) -> StoredFile:
    try:
        claim = read_token(token)
    except LinkUnusable:
        raise Http404 from None
    if str(request.actor.user_id) != str(claim.user_id):
        raise Http404
    file = StoredFile.objects.visible_to(request.actor).filter(pk=claim.file_id).first()
    if file is None or (file.expires_at is not None and file.expires_at <= clock.now()):
        raise Http404
    if not may_open(file, request.actor):
        raise Http404
    return file
