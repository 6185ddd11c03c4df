"""The seal on what was seen."""

from __future__ import annotations

import hashlib
import json

from django.core.serializers.json import DjangoJSONEncoder

from approvals.kinds import find
from approvals.models import ApprovalRequest


def digest_of(request: ApprovalRequest) -> str:
    """A digest over what is to be done and over the state of the world it is about, as both are now."""
    facts = {
        "kind": request.kind,
        "organization": request.organization_id,
        "subject": [request.subject_type, request.subject_id],
        "params": request.params,
        "amount": [request.amount_cents, request.currency],
        "seen": find(request.kind).seen(request),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, cls=DjangoJSONEncoder).encode()).hexdigest()


def is_as_seen(request: ApprovalRequest) -> bool:
    """Whether approving would still do what was asked for."""
    return digest_of(request) == request.digest
