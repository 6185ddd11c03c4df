from __future__ import annotations

import datetime as dt
from typing import Self

from core.scope import ScopedQuerySet
from providers.enums import IN_FORCE


class DistrictApprovalQuerySet(ScopedQuerySet):
    def in_force(self, on: dt.date) -> Self:
        """Approvals that hold on the day `on`; an approval ends by itself with its last day (28 CFR 58.14)."""
        return self.filter(status__in=IN_FORCE, valid_from__lte=on, valid_to__gte=on)
