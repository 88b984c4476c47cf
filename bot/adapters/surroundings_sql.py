"""What the look around asks of PostgreSQL; each answer is one line of JSON."""

from bot.adapters import catalogue_sql

CONNECTIONS = """
SELECT json_build_object(
  'used', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
  'most', current_setting('max_connections')::int);
"""

_SILENCE = (
    "SELECT extract(epoch FROM now() - greatest(:since::timestamptz, max(last_seen)))"
    " FROM public.authentik_tasks_workerstatus"
)


def silence_since(started: str) -> str:
    """Seconds since the worker's last heartbeat, or since it was *started*; null for no table."""
    rows = _SILENCE.replace(":since", catalogue_sql.literal(started))
    return f"""
SELECT CASE WHEN to_regclass('public.authentik_tasks_workerstatus') IS NULL
  THEN 'SELECT ''null''' ELSE {catalogue_sql.literal(rows)} END
\\gexec
"""
