"""The questions about a database, each answered as one line of JSON.

All run in the exported snapshot's transaction, so that they and the dump agree to the row.
"""

SERVER = """
SELECT json_build_object(
  'version', current_setting('server_version'),
  'version_num', current_setting('server_version_num')::int,
  'size', pg_database_size(current_database()));
"""

HAS_ZSTD = """
SELECT to_json(coalesce(
  (SELECT setting LIKE '%with-zstd%' FROM pg_config WHERE name = 'CONFIGURE'), false));
"""

# What pg_dump writes rows of: ordinary tables that no extension owns. Two steps, since the names
# of the tables must become part of the second statement; the server quotes them itself.
COUNT_ROWS = r"""
SELECT coalesce(
  'SELECT json_object_agg(name, rows) FROM (' || string_agg(
    format('SELECT %L AS name, count(*) AS rows FROM ONLY %I.%I',
           nspname || '.' || relname, nspname, relname), ' UNION ALL ') || ') counted;',
  'SELECT ''{}'';')
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relpersistence <> 't'
  AND nspname <> 'information_schema' AND nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass
                  AND objid = pg_class.oid AND deptype = 'e')
\gexec
"""

# By name and not by number: a restored table has lost the holes that dropped columns leave. Without
# brackets and casts to text: `x IN ('a', 'b')` on a varchar has them elsewhere after a restore.
CATALOGUE = """
WITH schemas AS (
  SELECT oid, nspname FROM pg_namespace
  WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'),
lines AS (
  SELECT relnamespace AS schema, format('relation %s %s', relkind, relname) AS line
  FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL
  SELECT relnamespace, format('column %s.%s %s %s %s %s %s', relname, attname,
      format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
      pg_get_expr(adbin, adrelid))
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v', 'm')
  UNION ALL
  SELECT relnamespace, format('index %s', pg_get_indexdef(indexrelid))
  FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relkind IN ('r', 'p', 'm')
  UNION ALL
  SELECT connamespace, format('constraint %s.%s %s', conrelid::regclass, conname,
      pg_get_constraintdef(oid))
  FROM pg_constraint WHERE contype <> 'n'),
plain AS (
  SELECT schema, regexp_replace(
      line, '::(character varying|text)(\\[\\])?|[()]', '', 'g') AS line FROM lines)
SELECT coalesce(json_object_agg(nspname, digest), '{}') FROM (
  SELECT nspname, encode(sha256(convert_to(
      coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex') AS digest
  FROM schemas LEFT JOIN plain ON plain.schema = schemas.oid GROUP BY nspname) hashed;
"""

SCHEMAS_WITH_MIGRATIONS = """
SELECT coalesce(json_agg(nspname), '[]') FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = 'django_migrations' AND relkind = 'r';
"""


def migrations_of(schema: str) -> str:
    """Newest id, and the names per application, in the order in which they were applied."""
    table = f'{quoted(schema)}."django_migrations"'
    return f"""
SELECT json_build_object(
  'newest', (SELECT max(id) FROM {table}),
  'applied', (SELECT coalesce(json_object_agg(app, names), '{{}}') FROM (
    SELECT app, json_agg(name ORDER BY id) AS names FROM {table} GROUP BY app) by_app));
"""  # noqa: S608 - the only name in it is quoted


VERSION_HISTORY_EXISTS = (
    "SELECT to_json(to_regclass('public.authentik_version_history') IS NOT NULL);"
)
VERSION_HISTORY = """
SELECT coalesce(json_agg(json_build_object('version', version, 'build', build,
  'timestamp', "timestamp"::text) ORDER BY "timestamp", id), '[]')
FROM public.authentik_version_history;
"""


# Of what there is: a tenant's or an old database may lack one of the tables.
CONTENTS = r"""
SELECT 'SELECT json_build_object(' || concat_ws(', ',
  CASE WHEN to_regclass('public.authentik_core_user') IS NOT NULL
    THEN '''users'', (SELECT count(*) FROM public.authentik_core_user)' END,
  CASE WHEN to_regclass('public.authentik_core_application') IS NOT NULL
    THEN '''applications'', (SELECT count(*) FROM public.authentik_core_application)' END,
  CASE WHEN to_regclass('public.authentik_events_event') IS NOT NULL
    THEN '''newest_event'', (SELECT max(created) FROM public.authentik_events_event)' END
) || ');'
\gexec
"""
# What was queued when the dump was made must not be done again by a copy: mails would go out.
EMPTY_QUEUE = r"""
SELECT 'DELETE FROM public.' || quote_ident(relname) || ';' FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname = 'authentik_tasks_task' AND relkind = 'r'
\gexec
"""
WRITE = """
CREATE SCHEMA akbot_drill; CREATE TABLE akbot_drill.probe (id int);
INSERT INTO akbot_drill.probe VALUES (1); DROP SCHEMA akbot_drill CASCADE;
"""


LOOK = "akbot look"
DATABASES = (
    "SELECT json_object_agg(datname, datallowconn) FROM pg_database WHERE NOT datistemplate;"
)


def rights(maintenance: str) -> str:
    """What restore and update take: to make databases, to shut and rename the one that serves."""
    return f"""
SELECT json_build_object(
  'user', current_user,
  'is_superuser', rolsuper,
  'may_create', rolcreatedb OR rolsuper,
  'owns', pg_has_role(current_user, datdba, 'USAGE'),
  'maintenance', {literal(maintenance)},
  'may_work_from', EXISTS (SELECT FROM pg_database
    WHERE datname = {literal(maintenance)} AND datallowconn AND datname <> current_database()
      AND has_database_privilege(oid, 'CONNECT')))
FROM pg_roles, pg_database
WHERE rolname = current_user AND datname = current_database();
"""  # noqa: S608 - the name is quoted


def end_sessions(names_from: str) -> str:
    """End the sessions whose application_name begins with *names_from*; how many there were."""
    return (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "  # noqa: S608
        f"WHERE starts_with(application_name, '{names_from}')"  # of our own making: no quotes
    )


def quoted(identifier: str) -> str:
    """A name as it must stand in a statement."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as it must stand in a statement."""
    return "'" + text.replace("'", "''") + "'"
