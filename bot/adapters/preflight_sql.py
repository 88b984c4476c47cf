"""What a preflight asks of Authentik's database; each answer is one line of JSON."""

from bot.adapters.catalogue_sql import literal

STATE = """
SELECT json_build_object(
  'server', current_setting('server_version_num')::int,
  'encoding', pg_encoding_to_char(encoding),
  'size', pg_database_size(datname),
  'migrating', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = d.oid
    AND classid = 0 AND objid = 1000 AND objsubid = 1 AND granted),
  'idle', (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = d.datname
    AND state LIKE 'idle in transaction%' AND state_change < now() - interval '5 minutes'),
  'connections', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
  'max_connections', current_setting('max_connections')::int)
FROM pg_database d WHERE datname = current_database();
"""


def since(moment: str) -> str:
    """Before `TABLES`: rows of workers count from *moment* on, when the stack's own was started.

    The row of one that was replaced just now is no worker that writes.
    """
    return f"SET akbot.since = {literal(moment)};"


# Of what there is: an older schema lacks tables, and tenants have schemas of their own. Names
# become part of the second statement; the server quotes them itself.
TABLES = r"""
WITH schemas AS (
  SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relkind = 'r' AND (nspname IN ('public', 'template') OR nspname ~ '^t_[a-z0-9]{1,61}$')
)
SELECT 'SELECT json_build_object(' || concat_ws(', ',
  CASE WHEN to_regclass('public.authentik_version_history') IS NOT NULL THEN
    '''written'', (SELECT version FROM public.authentik_version_history'
    ' ORDER BY "timestamp" DESC, id DESC LIMIT 1)' END,
  CASE WHEN to_regclass('public.authentik_tasks_workerstatus') IS NOT NULL THEN
    '''workers'', (SELECT coalesce(json_agg(DISTINCT version), ''[]'')'
    ' FROM public.authentik_tasks_workerstatus'
    ' WHERE last_seen > now() - interval ''2 minutes'''
    ' AND last_seen > current_setting(''akbot.since'')::timestamptz)' END,
  '''groups'', (SELECT coalesce(json_agg(name ORDER BY name), ''[]'') FROM (' || coalesce((
    SELECT string_agg(format(
      'SELECT name FROM %I.authentik_core_group GROUP BY name HAVING count(*) > 1', nspname),
      ' UNION ') FROM schemas WHERE relname = 'authentik_core_group'),
    'SELECT NULL::text AS name WHERE false') || ') twice)',
  '''outposts'', (SELECT coalesce(json_agg(name ORDER BY name), ''[]'') FROM (' || coalesce((
    SELECT string_agg(format(
      'SELECT name FROM %I.authentik_outposts_outpost'
      ' WHERE managed IS DISTINCT FROM ''goauthentik.io/outposts/embedded''', nspname),
      ' UNION ') FROM schemas WHERE relname = 'authentik_outposts_outpost'),
    'SELECT NULL::text AS name WHERE false') || ') others)'
) || ');'
\gexec
"""
