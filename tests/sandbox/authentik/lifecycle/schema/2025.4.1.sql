-- 2025.4: a column that rewrites every user, and the sessions' move from Redis into the database.

-- migration: authentik_core.0045_user_last_updated
ALTER TABLE authentik_core_user ADD COLUMN last_updated timestamptz;
UPDATE authentik_core_user SET last_updated = coalesce(last_login, date_joined);
SELECT pg_sleep(current_setting('standin.pause')::float8);
ALTER TABLE authentik_core_user ALTER COLUMN last_updated SET NOT NULL;

-- migration: authentik_core.0046_session_and_more
ALTER TABLE authentik_core_authenticatedsession RENAME TO authentik_core_oldauthenticatedsession;
ALTER TABLE authentik_core_oldauthenticatedsession
    RENAME CONSTRAINT authentik_core_authenticatedsession_pkey TO authentik_core_oldauthenticatedsession_pkey;
ALTER INDEX authentik_core_authenticatedsession_user_id_5055b6cf
    RENAME TO authentik_core_oldauthenticatedsession_user_id_5055b6cf;
CREATE TABLE authentik_core_session (
    session_key varchar(40) PRIMARY KEY,
    expires timestamptz,
    expiring boolean NOT NULL,
    session_data bytea NOT NULL,
    last_ip inet NOT NULL,
    last_user_agent text NOT NULL,
    last_used timestamptz NOT NULL
);
CREATE INDEX authentik_c_expires_d2f607_idx ON authentik_core_session (expires);
CREATE TABLE authentik_core_authenticatedsession (
    session_id varchar(40) PRIMARY KEY
        REFERENCES authentik_core_session (session_key) DEFERRABLE INITIALLY DEFERRED,
    uuid uuid NOT NULL UNIQUE,
    user_id integer NOT NULL REFERENCES authentik_core_user (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX authentik_core_authenticatedsession_user_id_5055b6cf
    ON authentik_core_authenticatedsession (user_id);

-- migration: authentik_core.0047_delete_oldauthenticatedsession
DROP TABLE authentik_core_oldauthenticatedsession;
