"""The resources by name, as the command line says them."""

from __future__ import annotations

from resources.base import ConsoleResource
from resources.certificates import CgsNumberResource
from resources.enrollments import EnrollmentResource
from resources.payments import PaymentResource
from resources.refunds import RefundResource
from resources.waivers import FeeWaiverResource

RESOURCES: dict[str, type[ConsoleResource]] = {
    resource.name: resource
    for resource in (CgsNumberResource, EnrollmentResource, FeeWaiverResource, PaymentResource, RefundResource)
}
