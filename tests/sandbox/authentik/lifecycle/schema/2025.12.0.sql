-- 2025.12: a group's name is unique. Duplicates stop the start before this (system_migrations).

-- migration: authentik_core.0053_alter_group_name
ALTER TABLE authentik_core_group ADD CONSTRAINT authentik_core_group_name_key UNIQUE (name);

-- migration: authentik_core.0054_user_touched
UPDATE authentik_core_user SET last_updated = now();
SELECT pg_sleep(current_setting('standin.pause')::float8);
