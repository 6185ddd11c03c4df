"""The one way into the audit chain."""

from django.db import migrations

SQL = """
CREATE FUNCTION app.audit_part(value text) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN convert_to(octet_length(value)::text || ':' || value, 'UTF8');

CREATE FUNCTION app.append_audit(
    p_organization uuid, p_actor uuid, p_actor_label text, p_act text, p_target_type text, p_target_id text,
    p_reason text, p_correlation text, p_payload jsonb
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public
AS $$
DECLARE
    head audit_audithead%ROWTYPE;
    moment timestamptz := clock_timestamp();
    number bigint;
    link text;
    outer_scope text := app.setting('scope');
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    INSERT INTO audit_audithead (organization_id, seq, hash) VALUES (p_organization, 0, repeat('0', 64))
        ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM audit_audithead
        WHERE organization_id IS NOT DISTINCT FROM p_organization FOR UPDATE;
    number := head.seq + 1;
    link := encode(sha256(
        app.audit_part('1') || app.audit_part(coalesce(p_organization::text, '')) || app.audit_part(number::text)
        || app.audit_part((extract(epoch FROM moment) * 1000000)::bigint::text)
        || app.audit_part(coalesce(p_actor::text, '')) || app.audit_part(p_actor_label) || app.audit_part(p_act)
        || app.audit_part(p_target_type) || app.audit_part(p_target_id) || app.audit_part(p_reason)
        || app.audit_part(p_correlation) || app.audit_part(p_payload::text) || app.audit_part(head.hash)
    ), 'hex');
    INSERT INTO audit_auditevent (organization_id, seq, at, actor_id, actor_label, act, target_type, target_id,
        reason, correlation_id, payload, prev_hash, hash)
    VALUES (p_organization, number, moment, p_actor, p_actor_label, p_act, p_target_type, p_target_id,
        p_reason, p_correlation, p_payload, head.hash, link);
    UPDATE audit_audithead SET seq = number, hash = link WHERE id = head.id;
    PERFORM set_config('app.scope', outer_scope, true);
    RETURN number;
END
$$;
REVOKE ALL ON FUNCTION app.append_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_audit TO app_web, app_worker, owner;
"""

REVERSE = "DROP FUNCTION app.append_audit; DROP FUNCTION app.audit_part;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("core", "0001_context_functions")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
