"""Statements that make a database like another one, and shut and open it."""

from bot.adapters.catalogue_sql import literal, quoted
from bot.domain.manifest import VersionRow


def create_like(name: str, like: str, owner: str = "") -> str:
    """Owner, encoding, locale and tablespace of *like*; run in another database, one statement.

    With an *owner* it is his.
    """
    whose = literal(owner) if owner else "pg_get_userbyid(datdba)"
    return rf"""
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L'
  ' LC_CTYPE %L CONNECTION LIMIT %s', {literal(name)}, {whose},
  pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit)
  -- a role may use the default one, and not name it
  || CASE spcname WHEN 'pg_default' THEN '' ELSE format(' TABLESPACE %I', spcname) END
  || CASE facts ->> 'datlocprovider'
    WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
        coalesce(facts ->> 'datlocale', facts ->> 'daticulocale'))
      || coalesce(format(' ICU_RULES %L', facts ->> 'daticurules'), '')
    WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', facts ->> 'datlocale')
    WHEN 'c' THEN ' LOCALE_PROVIDER libc' ELSE '' END
FROM (SELECT *, to_jsonb(pg_database) AS facts FROM pg_database) live
JOIN pg_tablespace ON pg_tablespace.oid = dattablespace WHERE datname = {literal(like)}
\gexec
"""  # noqa: S608 - the names are quoted


def adorn_like(name: str, like: str) -> str:
    """Settings, grants and comment of *like*."""
    return rf"""
SELECT CASE setrole WHEN 0 THEN format('ALTER DATABASE %I', {literal(name)})
    ELSE format('ALTER ROLE %I IN DATABASE %I', pg_get_userbyid(setrole), {literal(name)}) END
  || format(' SET %I TO ', split_part(setting, '=', 1))
  || CASE WHEN split_part(setting, '=', 1) IN ('search_path', 'temp_tablespaces',
      'local_preload_libraries', 'session_preload_libraries') THEN
      substr(setting, strpos(setting, '=') + 1)
    ELSE quote_literal(substr(setting, strpos(setting, '=') + 1)) END
FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase,
  unnest(setconfig) AS setting WHERE datname = {literal(like)}
UNION ALL
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', {literal(name)})
FROM pg_database WHERE datname = {literal(like)} AND datacl IS NOT NULL
UNION ALL
SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, {literal(name)},
  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_database, aclexplode(datacl) WHERE datname = {literal(like)}
UNION ALL
SELECT format('COMMENT ON DATABASE %I IS %L', {literal(name)},
  shobj_description(oid, 'pg_database'))
FROM pg_database WHERE datname = {literal(like)}
  AND shobj_description(oid, 'pg_database') IS NOT NULL
\gexec
"""  # noqa: S608 - likewise


NAMES = "SELECT json_agg(datname) FROM pg_database;"


def is_open(name: str) -> str:
    """Whether it is there and lets people in."""
    found = f"FROM pg_database WHERE datname = {literal(name)}"
    return f"SELECT to_json(coalesce(bool_or(datallowconn), false)) {found};"


SERVER_NUMBER = "SELECT current_setting('server_version_num')::int;"
# From which size on its log is recycled; NULL where it waits for somebody who may not come.
ROOM = """
SELECT json_build_object('folder', current_setting('data_directory'),
  'log', CASE WHEN current_setting('archive_mode') = 'off'
      AND NOT EXISTS (SELECT FROM pg_replication_slots)
    THEN greatest(pg_size_bytes(current_setting('max_wal_size')),
      pg_size_bytes(coalesce(current_setting('wal_keep_size', true), '0'))) END);
"""
# Whose objects they shall be: the role that Authentik works as need not own the database.
OWNER = """
SELECT to_json(pg_get_userbyid(coalesce(
  (SELECT relowner FROM pg_class WHERE relname IN ('django_migrations', 'authentik_core_user')
   ORDER BY relname LIMIT 1),
  (SELECT datdba FROM pg_database WHERE datname = current_database()))));
"""
# Waiting tasks of every tenant; Celery's are in Redis. Their logs point to them.
EMPTY_QUEUE = r"""
SELECT format('DELETE FROM %I.authentik_tasks_tasklog WHERE task_id IN (SELECT message_id FROM'
  ' %I.authentik_tasks_task WHERE state NOT IN (''done'', ''rejected''))', nspname, nspname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = 'authentik_tasks_tasklog' AND relkind = 'r'
\gexec
SELECT coalesce('WITH ' || string_agg(format('q%s AS (DELETE FROM %I.authentik_tasks_task WHERE'
    ' state NOT IN (''done'', ''rejected'') RETURNING 1)', number, nspname), ', ')
  || ' SELECT to_json(' || string_agg(format('(SELECT count(*) FROM q%s)', number), ' + ') || ');',
  'SELECT to_json(0);')
FROM (SELECT nspname, row_number() OVER () AS number FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relname = 'authentik_tasks_task' AND relkind = 'r') queues
\gexec
"""
EMPTY_DATABASE = r"""
SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
\gexec
"""


_SAYS_HOW = 150000  # the first server that can copy files instead of writing them into its log


def copy(live: str, name: str, server: int) -> str:
    """A copy of *live*, to which nobody is connected; *server* as PostgreSQL numbers itself.

    Owner, encoding and locale are the template's; file by file where the server has it, which is
    faster and needs no room for the log (design section 6).
    """
    how = " STRATEGY file_copy" if server >= _SAYS_HOW else ""
    return rf"""
SELECT format('CREATE DATABASE %I TEMPLATE %I OWNER %I CONNECTION LIMIT %s{how}',
  {literal(name)}, datname, pg_get_userbyid(datdba), datconnlimit)
FROM pg_database WHERE datname = {literal(live)}
\gexec
"""  # noqa: S608 - the names are quoted


def delete_version(row: VersionRow) -> str:
    """Authentik's note that it was started in that version."""
    return (
        "DELETE FROM public.authentik_version_history"  # noqa: S608 - likewise
        f" WHERE version = {literal(row.version)} AND build = {literal(row.build)};"
    )


def allow_connections(name: str, *, allowed: bool) -> str:
    """Shut or open a database; its superusers too."""
    return f"ALTER DATABASE {quoted(name)} ALLOW_CONNECTIONS {str(allowed).lower()};"


def end_all_sessions(names: list[str]) -> str:
    """End all sessions in these databases; how many there were.

    A role that is no superuser ends those of its own roles, and counts the others. The server's
    own workers, which have no name, end by themselves where a database is renamed or copied.
    """
    return f"""
SELECT to_json(count(coalesce(CASE WHEN me.rolsuper OR pg_has_role(usesysid, 'MEMBER')
  THEN pg_terminate_backend(pid) END, true)))
FROM pg_stat_activity, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) me
WHERE datname IN ({", ".join(map(literal, names))}) AND pid <> pg_backend_pid()
  AND (me.rolsuper OR usename IS NOT NULL);
"""  # noqa: S608 - likewise


def swap(live: str, outgoing: str, incoming: str) -> str:
    """Both renames, or neither."""
    return f"""
BEGIN;
ALTER DATABASE {quoted(live)} RENAME TO {quoted(outgoing)};
ALTER DATABASE {quoted(incoming)} RENAME TO {quoted(live)};
COMMIT;
"""


def rename(old: str, new: str) -> str:
    """Of a database to which nobody is connected."""
    return f"ALTER DATABASE {quoted(old)} RENAME TO {quoted(new)};"


def drop(name: str) -> str:
    """With whatever is connected to it."""
    return f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE);"
