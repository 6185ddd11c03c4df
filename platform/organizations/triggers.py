"""The shape of roles, held by the database itself: whoever writes, by whatever way."""

from __future__ import annotations

import pgtrigger

ROLE_SHAPE = pgtrigger.Trigger(
    name="role_shape",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    declare=[("flags", "record")],
    func="""
        IF (NEW.role IN ('platform_admin', 'client')) <> (NEW.organization_id IS NULL) THEN
            RAISE EXCEPTION 'role % and its organization do not fit', NEW.role USING ERRCODE = 'check_violation';
        END IF;
        SELECT is_provider, is_firm INTO flags FROM organizations_organization WHERE id = NEW.organization_id;
        IF (NEW.role IN ('provider_admin', 'counselor') AND NOT coalesce(flags.is_provider, false))
            OR (NEW.role = 'attorney' AND NOT coalesce(flags.is_firm, false)) THEN
            RAISE EXCEPTION 'role % does not fit this organization', NEW.role USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    """,
)
