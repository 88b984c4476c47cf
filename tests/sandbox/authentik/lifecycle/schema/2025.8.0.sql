-- 2025.8: the task queue moves from Celery's Redis into the database.

-- migration: authentik_tasks.0001_initial
CREATE TABLE authentik_tasks_task (
    message_id uuid PRIMARY KEY,
    queue_name text NOT NULL,
    actor_name text NOT NULL,
    message bytea,
    state varchar NOT NULL,
    mtime timestamptz NOT NULL,
    result bytea,
    result_expiry timestamptz,
    rel_obj_id text,
    _uid text,
    _messages jsonb NOT NULL,
    _previous_messages jsonb NOT NULL,
    aggregated_status text NOT NULL,
    rel_obj_content_type_id integer REFERENCES django_content_type (id) DEFERRABLE INITIALLY DEFERRED,
    tenant_id uuid NOT NULL
        REFERENCES authentik_tenants_tenant (tenant_uuid) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX authentik_tasks_task_state_mtime ON authentik_tasks_task (state, mtime);
CREATE TABLE authentik_tasks_workerstatus (
    id uuid PRIMARY KEY,
    hostname text NOT NULL,
    version text NOT NULL,
    last_seen timestamptz NOT NULL
);

-- migration: authentik_tasks_schedules.0001_initial
CREATE TABLE authentik_tasks_schedules_schedule (
    id uuid PRIMARY KEY,
    actor_name text NOT NULL,
    args bytea NOT NULL,
    kwargs bytea NOT NULL,
    options bytea NOT NULL,
    crontab text NOT NULL,
    paused boolean NOT NULL,
    next_run timestamptz NOT NULL,
    identifier text,
    _uid text,
    rel_obj_id text,
    rel_obj_content_type_id integer REFERENCES django_content_type (id) DEFERRABLE INITIALLY DEFERRED
);
