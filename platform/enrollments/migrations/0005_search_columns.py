"""What the searches of clients, requests and enrollments look at; kept by the database, unknown to the models.

An enrollment is found by its client's names and address, by its case number and by what other rooms write into
`marks`; `sort_name` orders a list of enrollments by the client's name.
"""

from django.db import migrations

SQL = r"""
SELECT set_config('app.scope', 'system', true);
ALTER TABLE enrollments_client ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS
    (app.document(ARRAY[provider_id, firm_id], first_name::text, last_name::text, email::text, phone::text)) STORED;
ALTER TABLE enrollments_enrollmentrequest ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS
    (app.document(ARRAY[provider_id], first_name::text, last_name::text, email::text, phone::text,
        spouse_first_name::text, spouse_last_name::text, spouse_email::text, case_number::text)) STORED;
ALTER TABLE enrollments_enrollment
    ADD COLUMN marks text NOT NULL DEFAULT '',
    ADD COLUMN sort_name text NOT NULL DEFAULT '',
    ADD COLUMN search tsvector NOT NULL DEFAULT '';

CREATE FUNCTION app.enrollment_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog AS $$
DECLARE person record;
BEGIN
    SELECT first_name, last_name, email, phone INTO person FROM public.enrollments_client WHERE id = NEW.client_id;
    NEW.sort_name := left(app.fold(person.last_name || ' ' || person.first_name), 200);
    NEW.search := app.document(ARRAY[NEW.provider_id, NEW.firm_id], person.first_name::text, person.last_name::text,
        person.email::text, person.phone::text, NEW.case_number::text, NEW.marks);
    RETURN NEW;
END $$;
CREATE FUNCTION app.client_renamed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog AS $$
DECLARE before text := app.scope();
BEGIN
    PERFORM set_config('app.scope', 'system', true);
    UPDATE public.enrollments_enrollment SET client_id = client_id WHERE client_id = NEW.id;
    PERFORM set_config('app.scope', before, true);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION app.enrollment_words(), app.client_renamed() FROM PUBLIC;
UPDATE enrollments_enrollment e SET
    sort_name = left(app.fold(c.last_name || ' ' || c.first_name), 200),
    search = app.document(ARRAY[e.provider_id, e.firm_id], c.first_name::text, c.last_name::text, c.email::text,
        c.phone::text, e.case_number::text)
FROM enrollments_client c WHERE c.id = e.client_id;
CREATE TRIGGER enrollment_words BEFORE INSERT OR UPDATE OF provider_id, firm_id, client_id, case_number, marks
    ON enrollments_enrollment FOR EACH ROW EXECUTE FUNCTION app.enrollment_words();
CREATE TRIGGER client_renamed AFTER UPDATE OF first_name, last_name, email, phone ON enrollments_client FOR EACH ROW
    WHEN ((OLD.first_name, OLD.last_name, OLD.email, OLD.phone)
        IS DISTINCT FROM (NEW.first_name, NEW.last_name, NEW.email, NEW.phone))
    EXECUTE FUNCTION app.client_renamed();

CREATE INDEX client_search ON enrollments_client USING gin (search);
CREATE INDEX request_search ON enrollments_enrollmentrequest USING gin (search);
CREATE INDEX enrollment_search ON enrollments_enrollment USING gin (search);
CREATE INDEX enrollment_by_name ON enrollments_enrollment (sort_name, id);
CREATE INDEX enrollment_name_provider ON enrollments_enrollment (provider_id, sort_name, id);
CREATE INDEX enrollment_name_firm ON enrollments_enrollment (firm_id, sort_name, id);
"""

REVERSE = """
DROP TRIGGER client_renamed ON enrollments_client;
DROP TRIGGER enrollment_words ON enrollments_enrollment;
DROP FUNCTION app.client_renamed(), app.enrollment_words();
ALTER TABLE enrollments_enrollment DROP COLUMN search, DROP COLUMN sort_name, DROP COLUMN marks;
ALTER TABLE enrollments_enrollmentrequest DROP COLUMN search;
ALTER TABLE enrollments_client DROP COLUMN search;
"""


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0004_witness"), ("core", "0003_search_words")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
