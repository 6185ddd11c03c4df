"""Whether an enrollment stands at a provider: the one fact a visitor may learn about an id."""

from django.db import migrations

SQL = """
CREATE FUNCTION app.enrollment_at(p_enrollment uuid, p_provider uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
DECLARE
    outer_scope text := app.setting('scope');
    found boolean;
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    SELECT EXISTS (
        SELECT 1 FROM enrollments_enrollment WHERE id = p_enrollment AND provider_id = p_provider
    ) INTO found;
    PERFORM set_config('app.scope', outer_scope, true);
    RETURN found;
END
$$;
REVOKE ALL ON FUNCTION app.enrollment_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.enrollment_at TO app_web, app_worker, owner;
"""

REVERSE = "DROP FUNCTION app.enrollment_at;"


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0001_initial"), ("core", "0001_context_functions")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
