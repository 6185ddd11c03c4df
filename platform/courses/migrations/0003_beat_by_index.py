"""The heartbeat's function asks row security for the person's own rows only; what it counts is unchanged."""

from django.db import migrations

SQL = """
CREATE OR REPLACE FUNCTION app.course_beat(
    p_enrollment uuid, p_person uuid, p_generation integer, p_password text, p_session text, p_renew timestamptz,
    p_lesson uuid, p_at timestamptz
) RETURNS TABLE (
    kind text, cc_override_reason text, total_seconds integer, idle_seconds integer, open_seconds integer,
    open_idle_seconds integer, expire_date timestamptz
) LANGUAGE plpgsql SET search_path = pg_catalog, public SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    own courses_coursesession%ROWTYPE;
    other courses_coursesession%ROWTYPE;
    mine uuid[];
    judged timestamptz;
    began timestamptz;
    minute timestamptz;
    left_over integer;
    part integer;
    link text;
    expires timestamptz;
BEGIN
    PERFORM set_config('app.scope', 'person', true), set_config('app.user_id', p_person::text, true),
        set_config('app.organizations', '{}', true), set_config('app.key', '', true);
    SELECT s.expire_date INTO expires FROM accounts_user u, django_session s
        WHERE u.id = p_person AND u.is_active AND NOT u.is_process AND u.session_generation = p_generation
        AND left(encode(sha256(convert_to(u.password, 'UTF8')), 'hex'), 16) = p_password
        AND s.session_key = p_session AND s.expire_date > p_renew;
    IF expires IS NULL THEN
        RETURN;
    END IF;
    -- Step by step and by index: row security is then asked for the person's own rows only.
    SELECT array_agg(c.id) INTO mine FROM enrollments_client c WHERE c.user_id = p_person;
    SELECT array_agg(e.id) INTO mine FROM enrollments_enrollment e WHERE e.client_id = ANY(mine);
    FOR other IN
        SELECT s.* FROM courses_coursesession s WHERE s.enrollment_id = ANY(mine)
        ORDER BY s.opened_at DESC, s.id FOR UPDATE
    LOOP
        IF other.enrollment_id = p_enrollment THEN
            own := other;
        ELSE
            judged := greatest(judged, other.last_seen_at);
        END IF;
    END LOOP;
    IF own.id IS NULL OR own.paused_at IS NOT NULL OR own.last_seen_at IS NULL OR own.lesson_id IS DISTINCT FROM p_lesson
        OR p_at - own.last_seen_at < interval '5 seconds' OR p_at - own.last_seen_at > interval '120 seconds' THEN
        RETURN;
    END IF;
    PERFORM 1 FROM enrollments_enrollment e WHERE e.id = p_enrollment AND e.status = 'in_progress';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    began := greatest(own.last_seen_at, p_at - interval '60 seconds', judged);
    left_over := greatest(0, floor(extract(epoch FROM p_at - began)))::integer;
    IF began <= p_at THEN
        own.last_seen_at := began + make_interval(secs => left_over);
    END IF;
    WHILE left_over > 0 LOOP
        minute := date_trunc('minute', began, 'UTC');
        part := least(left_over, ceil(extract(epoch FROM minute + interval '1 minute' - began))::integer);
        IF own.open_minute IS DISTINCT FROM minute THEN
            IF own.open_minute IS NOT NULL AND (own.open_seconds > 0 OR own.open_idle_seconds > 0) THEN
                link := encode(sha256(
                    app.audit_part('1') || app.audit_part(own.id::text) || app.audit_part((own.chain_length + 1)::text)
                    || app.audit_part(to_char(own.open_minute AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
                    || app.audit_part(own.open_seconds::text) || app.audit_part(own.open_idle_seconds::text)
                    || app.audit_part(own.total_seconds::text) || app.audit_part(own.chain_hash)
                ), 'hex');
                INSERT INTO courses_timeledgerminute
                    (id, session_id, seq, minute, seconds, idle_seconds, total_after, prev_hash, hash)
                VALUES (gen_random_uuid(), own.id, own.chain_length + 1, own.open_minute, own.open_seconds,
                    own.open_idle_seconds, own.total_seconds, own.chain_hash, link);
                own.chain_length := own.chain_length + 1;
                own.chain_hash := link;
            END IF;
            own.open_minute := minute;
            own.open_seconds := 0;
            own.open_idle_seconds := 0;
        END IF;
        own.open_seconds := own.open_seconds + part;
        own.total_seconds := own.total_seconds + part;
        began := began + make_interval(secs => part);
        left_over := left_over - part;
    END LOOP;
    UPDATE courses_coursesession SET total_seconds = own.total_seconds, open_minute = own.open_minute,
        open_seconds = own.open_seconds, open_idle_seconds = own.open_idle_seconds, chain_length = own.chain_length,
        chain_hash = own.chain_hash, last_seen_at = own.last_seen_at, updated_at = p_at WHERE id = own.id;
    RETURN QUERY SELECT e.kind::text, e.cc_override_reason::text, own.total_seconds, own.idle_seconds,
        own.open_seconds::integer, own.open_idle_seconds, expires FROM enrollments_enrollment e WHERE e.id = p_enrollment;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = (("courses", "0002_course_beat"),)
    operations = (migrations.RunSQL(SQL, migrations.RunSQL.noop),)
