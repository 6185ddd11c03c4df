"""How text becomes words that can be found: folded, split, and marked with the organizations that may find them.

`app.document` makes what a `search` column holds, `app.word_query` what is looked for. A word is found by its
beginning; every word has to be found; accents and case do not count. `#<organization>` is a lexeme no typed word can
be, since words lose the signs around them.
"""

from django.db import migrations

SQL = r"""
CREATE FUNCTION app.fold(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF octet_length(t) <> char_length(t) THEN
        t := regexp_replace(normalize(t, NFKD), '[\u0300-\u036f]', '', 'g');
    END IF;
    RETURN lower(translate(t, E'\t\n\r', '   '));
END $$;
CREATE FUNCTION app.document(organizations uuid[], VARIADIC texts text[]) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE folded text := app.fold(array_to_string(texts, ' '));
BEGIN
    RETURN array_to_tsvector(array_remove(string_to_array(
        concat_ws(' ', folded, translate(folded, '.-@''_,/&()+"', repeat(' ', 12)),
            nullif('#' || array_to_string(organizations, ' #'), '#')), ' '), ''));
END $$;
CREATE FUNCTION app.word_query(t text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || ''':*', ' & ')::tsquery
    FROM (
        SELECT word FROM (
            SELECT regexp_replace(piece, '^[!-/:-@\[-`{-~]+|[!-/:-@\[-`{-~]+$', '', 'g') AS word
            FROM string_to_table(app.fold(t), ' ') AS piece
        ) AS trimmed WHERE word <> '' LIMIT 6
    ) AS words
$$;
CREATE FUNCTION app.organization_query() RETURNS tsquery LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_agg('''#' || id || '''', ' | ')::tsquery FROM unnest(app.organizations()) AS id
$$;
"""

REVERSE = """
DROP FUNCTION app.organization_query(), app.word_query(text), app.document(uuid[], text[]), app.fold(text);
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_counters")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
