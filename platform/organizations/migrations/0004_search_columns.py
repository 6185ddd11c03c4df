"""What the search of organizations looks at; kept by the database."""

from django.db import migrations

SQL = """
ALTER TABLE organizations_organization ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS
    (app.document(ARRAY[id], name::text, slug::text, email::text)) STORED;
CREATE INDEX organization_search ON organizations_organization USING gin (search);
"""


class Migration(migrations.Migration):
    dependencies = [("organizations", "0003_witness"), ("core", "0003_search_words")]
    operations = [migrations.RunSQL(SQL, "ALTER TABLE organizations_organization DROP COLUMN search")]
