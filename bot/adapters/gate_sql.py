"""What the gate asks of Authentik's database; each answer is one line of JSON."""

from bot.adapters import catalogue_sql

# What waits for a table that a migration holds must not hold up the look.
QUICKLY = "SET lock_timeout = '2s'; SET statement_timeout = '5s';"

# The holder's own session may be idle the whole time: another of the same process does the work
# (facts §11), and it comes from the same address.
MIGRATION = """
WITH holder AS (
  SELECT client_addr FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE locktype = 'advisory' AND classid = 0 AND objid = 1000 AND objsubid = 1 AND granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1
), sessions AS (
  SELECT a.* FROM pg_stat_activity a, holder
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND a.client_addr IS NOT DISTINCT FROM holder.client_addr
  AND a.application_name NOT LIKE 'akbot-%' AND a.wait_event_type IS DISTINCT FROM 'Lock'
)
SELECT json_build_object('held', EXISTS (SELECT FROM holder),
  'active', EXISTS (SELECT FROM sessions WHERE state = 'active'),
  'newest', (SELECT max(query_start) FROM sessions));
"""

# Names become part of the second statement; the server quotes them itself.
MIGRATIONS = r"""
SELECT 'SELECT ' || coalesce(string_agg(
  format('(SELECT count(*) FROM %I.django_migrations)', nspname), ' + '), '0')
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relname = 'django_migrations'
AND (nspname IN ('public', 'template') OR nspname ~ '^t_[a-z0-9]{1,61}$')
\gexec
"""


_BEATEN = (
    "SELECT coalesce(json_agg(DISTINCT version), '[]') FROM public.authentik_tasks_workerstatus"
    " WHERE last_seen > :since::timestamptz AND last_seen > now() - interval '90 seconds'"
)


def workers_since(started: str) -> str:
    """The versions of workers that have beaten after *started*, and lately; null for no table."""
    since = catalogue_sql.literal(started)
    rows = _BEATEN.replace(":since", since)
    return f"""
SELECT CASE WHEN to_regclass('public.authentik_tasks_workerstatus') IS NULL
  THEN 'SELECT ''null''' ELSE {catalogue_sql.literal(rows)} END
\\gexec
"""
