"""How far the migrations of a rehearsal are, asked while they run."""

# Every schema that has such a table: there may be tenants. A session that waits for a lock, the
# migrations' own advisory one included, is not at work.
PROGRESS = r"""
SELECT 'SELECT json_build_object(''rows'', ' || coalesce(string_agg(
    format('(SELECT count(*) FROM %I.django_migrations)', nspname), ' + '), '0') ||
  ', ''busy'', EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()'
  ' AND pid <> pg_backend_pid() AND state = ''active'''
  ' AND wait_event_type IS DISTINCT FROM ''Lock''));'
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = 'django_migrations' AND relkind = 'r'
\gexec
"""
