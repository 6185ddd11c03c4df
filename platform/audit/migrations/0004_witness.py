"""What a witness at a table says when nobody explained a change."""

from django.db import migrations

SQL = """
CREATE FUNCTION app.witness(p_label text, p_row uuid, p_organization uuid, p_operation text, p_columns text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
DECLARE
    outer_scope text := app.setting('scope');
    is_explained boolean;
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    SELECT EXISTS (
        SELECT FROM audit_auditevent
        WHERE target_type = p_label AND target_id = p_row::text AND at >= transaction_timestamp()
    ) INTO is_explained;
    PERFORM set_config('app.scope', outer_scope, true);
    IF NOT is_explained THEN
        PERFORM app.append_audit(
            p_organization, nullif(app.setting('user_id'), '')::uuid, 'database: ' || session_user,
            CASE p_operation WHEN 'DELETE' THEN 'row.deleted' ELSE 'row.changed' END, p_label, p_row::text, '', '',
            jsonb_build_object('columns', p_columns)
        );
    END IF;
END
$$;
REVOKE ALL ON FUNCTION app.witness FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.witness TO app_web, app_worker, owner;
"""

REVERSE = "DROP FUNCTION app.witness;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_append_many")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
