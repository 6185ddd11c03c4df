"""What the search of people looks at; kept by the database."""

from django.db import migrations

SQL = """
ALTER TABLE accounts_user ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS
    (app.document('{}', first_name::text, last_name::text, email::text)) STORED;
CREATE INDEX user_search ON accounts_user USING gin (search);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_witness"), ("core", "0003_search_words")]
    operations = [migrations.RunSQL(SQL, "ALTER TABLE accounts_user DROP COLUMN search")]
