"""The heartbeat's function judges by itself whose course it is, instead of asking row security row by row.

It runs with the owner's rights and opens one thing: the time of a course whose client is the person, to a caller who
knows that person's live session, generation and password mark. Policies asked for every row and write cost three times
what the counting does.
"""

from importlib import import_module

from django.db import migrations

SQL = """
CREATE OR REPLACE FUNCTION app.course_beat(
    p_enrollment uuid, p_person uuid, p_generation integer, p_password text, p_session text, p_renew timestamptz,
    p_lesson uuid, p_at timestamptz
) RETURNS TABLE (
    kind text, cc_override_reason text, total_seconds integer, idle_seconds integer, open_seconds integer,
    open_idle_seconds integer, expire_date timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
#variable_conflict use_column
DECLARE
    outer_scope text := app.setting('scope');
    own courses_coursesession%ROWTYPE;
    other courses_coursesession%ROWTYPE;
    judged timestamptz;
    began timestamptz;
    minute timestamptz;
    left_over integer;
    part integer;
    link text;
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    SELECT s.expire_date INTO expire_date FROM accounts_user u, django_session s
        WHERE u.id = p_person AND u.is_active AND NOT u.is_process AND u.session_generation = p_generation
        AND left(encode(sha256(convert_to(u.password, 'UTF8')), 'hex'), 16) = p_password
        AND s.session_key = p_session AND s.expire_date > p_renew;
    IF FOUND THEN
        FOR other IN
            SELECT s.* FROM enrollments_client c JOIN enrollments_enrollment e ON e.client_id = c.id
                JOIN courses_coursesession s ON s.enrollment_id = e.id
                WHERE c.user_id = p_person ORDER BY s.opened_at DESC, s.id FOR UPDATE OF s
        LOOP
            IF other.enrollment_id = p_enrollment THEN
                own := other;
            ELSE
                judged := greatest(judged, other.last_seen_at);
            END IF;
        END LOOP;
        -- Asked after the lock: a hand-over that held it is seen.
        SELECT e.kind, e.cc_override_reason INTO kind, cc_override_reason
            FROM enrollments_enrollment e WHERE e.id = p_enrollment AND e.status = 'in_progress';
    END IF;
    IF kind IS NOT NULL AND own.paused_at IS NULL AND own.lesson_id IS NOT DISTINCT FROM p_lesson
        AND p_at - own.last_seen_at BETWEEN interval '5 seconds' AND interval '120 seconds'
    THEN
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
                        app.audit_part('1') || app.audit_part(own.id::text)
                        || app.audit_part((own.chain_length + 1)::text)
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
        UPDATE courses_coursesession s SET total_seconds = own.total_seconds, open_minute = own.open_minute,
            open_seconds = own.open_seconds, open_idle_seconds = own.open_idle_seconds, chain_length = own.chain_length,
            chain_hash = own.chain_hash, last_seen_at = own.last_seen_at, updated_at = p_at WHERE s.id = own.id;
        total_seconds := own.total_seconds;
        idle_seconds := own.idle_seconds;
        open_seconds := own.open_seconds;
        open_idle_seconds := own.open_idle_seconds;
        RETURN NEXT;
    END IF;
    PERFORM set_config('app.scope', outer_scope, true);
END
$$;
REVOKE ALL ON FUNCTION app.course_beat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.course_beat TO app_web;
"""
BEFORE = import_module("courses.migrations.0003_beat_by_index").SQL


class Migration(migrations.Migration):
    dependencies = (("courses", "0004_lists_walk"),)
    operations = (migrations.RunSQL(SQL, BEFORE),)
