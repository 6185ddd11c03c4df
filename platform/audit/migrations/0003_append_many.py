"""Many events of one act in one call: the same chain, link by link, with one insert for each organization."""

from django.db import migrations

SQL = """
CREATE FUNCTION app.append_audit_many(
    p_organizations uuid[], p_target_ids text[], p_payloads jsonb[], p_actor uuid, p_actor_label text, p_act text,
    p_target_type text, p_reason text, p_correlation text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    head audit_audithead%ROWTYPE;
    home uuid;
    moment timestamptz;
    number bigint;
    link text;
    moments timestamptz[];
    links text[];
    event record;
    lead bytea;
    middle bytea := app.audit_part(coalesce(p_actor::text, '')) || app.audit_part(p_actor_label)
        || app.audit_part(p_act) || app.audit_part(p_target_type);
    tail bytea := app.audit_part(p_reason) || app.audit_part(p_correlation);
    outer_scope text := app.setting('scope');
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    -- In one order for everybody, so that two writers never wait for each other.
    FOR home IN SELECT DISTINCT given FROM unnest(p_organizations) AS given ORDER BY given NULLS FIRST LOOP
        INSERT INTO audit_audithead (organization_id, seq, hash) VALUES (home, 0, repeat('0', 64))
            ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM audit_audithead WHERE organization_id IS NOT DISTINCT FROM home FOR UPDATE;
        number := head.seq;
        link := head.hash;
        lead := app.audit_part('1') || app.audit_part(coalesce(home::text, ''));
        moments := '{}'; links := '{}';
        -- Read row by row: subscripts into long arrays of text would walk each from its start.
        FOR event IN
            SELECT given.target, given.payload::text AS payload
            FROM unnest(p_organizations, p_target_ids, p_payloads) WITH ORDINALITY
                AS given(organization, target, payload, place)
            WHERE given.organization IS NOT DISTINCT FROM home ORDER BY given.place
        LOOP
            number := number + 1;
            moment := clock_timestamp();
            link := encode(sha256(
                lead || app.audit_part(number::text)
                || app.audit_part((extract(epoch FROM moment) * 1000000)::bigint::text) || middle
                || app.audit_part(event.target) || tail || app.audit_part(event.payload) || app.audit_part(link)
            ), 'hex');
            moments := moments || moment;
            links := links || link;
        END LOOP;
        INSERT INTO audit_auditevent (organization_id, seq, at, actor_id, actor_label, act, target_type, target_id,
            reason, correlation_id, payload, prev_hash, hash)
        SELECT home, head.seq + made.place, made.moment, p_actor, p_actor_label, p_act, p_target_type, asked.target,
            p_reason, p_correlation, asked.payload, lag(made.link, 1, head.hash) OVER (ORDER BY made.place), made.link
        FROM unnest(moments, links) WITH ORDINALITY AS made(moment, link, place)
        JOIN (
            SELECT given.target, given.payload, row_number() OVER (ORDER BY given.place) AS place
            FROM unnest(p_organizations, p_target_ids, p_payloads) WITH ORDINALITY
                AS given(organization, target, payload, place)
            WHERE given.organization IS NOT DISTINCT FROM home
        ) AS asked ON asked.place = made.place
        ORDER BY made.place;
        UPDATE audit_audithead SET seq = number, hash = link WHERE id = head.id;
    END LOOP;
    PERFORM set_config('app.scope', outer_scope, true);
    RETURN cardinality(p_organizations);
END
$$;
REVOKE ALL ON FUNCTION app.append_audit_many FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_audit_many TO app_web, app_worker, owner;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_audit")]
    operations = [migrations.RunSQL(SQL, "DROP FUNCTION app.append_audit_many;")]
