-- 2026.11

-- migration: authentik_core.0064_token_last_used
ALTER TABLE authentik_core_token ADD COLUMN last_used timestamptz;
