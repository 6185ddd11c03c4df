"""A witness at the tables whose changes must be explained: money, certificates, rights, states of a case.

Services record what they do. Whatever else changes such a row (a bulk update, SQL by hand, a cascade, a migration, a
shell) is seen when its transaction commits: if no event about the row was recorded meanwhile, the database appends one
itself, `row.changed` or `row.deleted`, with the columns and the log-in that did it.
"""

from __future__ import annotations

import pgtrigger


def witness(label: str, *columns: str, home: str = "NULL::uuid") -> pgtrigger.Trigger:
    """A witness of changes to `columns` (database names) and of deletions. `home` is SQL over `line`, the changed row,
    that gives the organization whose chain the event belongs to."""
    changed = ", ".join(columns)
    before, after = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return pgtrigger.Trigger(
        name="witness",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf(*columns) | pgtrigger.Delete,
        timing=pgtrigger.Deferred,
        declare=[("line", "record")],
        func=f"""
            line := OLD;
            IF TG_OP = 'UPDATE' THEN
                IF ROW({before}) IS NOT DISTINCT FROM ROW({after}) THEN
                    RETURN NULL;
                END IF;
                line := NEW;
            END IF;
            PERFORM app.witness('{label}', line.id, {home}, TG_OP, '{changed}');
            RETURN NULL;
        """,
    )
