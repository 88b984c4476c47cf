-- 2026.5

-- migration: authentik_core.0059_group_last_updated
ALTER TABLE authentik_core_group ADD COLUMN last_updated timestamptz NOT NULL DEFAULT now();
