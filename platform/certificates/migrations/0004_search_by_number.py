"""An enrollment is found by the numbers of its certificates."""

from django.db import migrations

SQL = """
SELECT set_config('app.scope', 'system', true);
CREATE FUNCTION app.certificate_marks_enrollment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog AS $$
DECLARE before text := app.scope();
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    UPDATE public.enrollments_enrollment SET marks = ltrim(marks || ' ' || NEW.number) WHERE id = NEW.enrollment_id;
    PERFORM set_config('app.scope', before, true);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION app.certificate_marks_enrollment() FROM PUBLIC;
UPDATE enrollments_enrollment e SET marks = c.numbers
FROM (SELECT enrollment_id, string_agg(number, ' ') AS numbers FROM certificates_certificate GROUP BY 1) c
WHERE c.enrollment_id = e.id;
CREATE TRIGGER certificate_marks_enrollment AFTER INSERT ON certificates_certificate
    FOR EACH ROW EXECUTE FUNCTION app.certificate_marks_enrollment();
"""

REVERSE = """
DROP TRIGGER certificate_marks_enrollment ON certificates_certificate;
DROP FUNCTION app.certificate_marks_enrollment();
"""


class Migration(migrations.Migration):
    dependencies = [("certificates", "0003_witness"), ("enrollments", "0005_search_columns")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
