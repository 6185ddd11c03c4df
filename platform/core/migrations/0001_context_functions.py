"""The functions row security reads the context through, and the schema they live in."""

from django.db import migrations

SQL = """
CREATE SCHEMA IF NOT EXISTS app;
CREATE FUNCTION app.setting(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('app.' || name, true), ''), '');
CREATE FUNCTION app.scope() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN app.setting('scope');
CREATE FUNCTION app.key() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN app.setting('key');
CREATE FUNCTION app.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(app.setting('user_id'), '')::uuid;
CREATE FUNCTION app.organizations() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(app.setting('organizations'), ''), '{}')::uuid[];
CREATE TABLE django_cache (
    cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
);
CREATE INDEX django_cache_expires ON django_cache (expires);
"""

REVERSE = """
DROP TABLE django_cache;
DROP FUNCTION app.organizations(), app.user_id(), app.key(), app.scope(), app.setting(text);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL(SQL, REVERSE)]
