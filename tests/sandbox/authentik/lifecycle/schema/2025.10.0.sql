-- 2025.10: cache and channels move from Redis into the database.

-- migration: authentik_tasks.0003_task_eta_task_retries
ALTER TABLE authentik_tasks_task
    ADD COLUMN eta timestamptz,
    ADD COLUMN retries bigint NOT NULL DEFAULT 0 CHECK (retries >= 0);

-- migration: authentik_tasks.0005_tasklog
CREATE TABLE authentik_tasks_tasklog (
    id uuid PRIMARY KEY,
    event text NOT NULL,
    log_level text NOT NULL,
    logger text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    attributes jsonb NOT NULL,
    previous boolean NOT NULL,
    task_id uuid NOT NULL REFERENCES authentik_tasks_task (message_id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX authentik_tasks_tasklog_task_id ON authentik_tasks_tasklog (task_id);

-- migration: django_channels_postgres.0001_initial
CREATE TABLE django_channels_postgres_groupchannel (
    id uuid PRIMARY KEY,
    group_key text NOT NULL,
    channel text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE TABLE django_channels_postgres_message (
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    message bytea NOT NULL,
    expires timestamptz NOT NULL
);

-- migration: django_postgres_cache.0001_initial
CREATE TABLE django_postgres_cache_cacheentry (
    cache_key text PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
