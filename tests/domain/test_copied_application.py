"""A copy has the live settings, and none that leads out of its network."""

from dataclasses import replace

import pytest

from bot.domain.copied_application import CopiedServices, copied_environment, web_path

SERVICES = CopiedServices("postgresql", "akbot_drill", "authentik", "throw-away", "redis")
LIVE = {
    "AUTHENTIK_SECRET_KEY": "live-key",
    "AUTHENTIK_POSTGRESQL__HOST": "db.example.org",
    "AUTHENTIK_POSTGRESQL__PORT": "6432",
    "AUTHENTIK_POSTGRESQL__NAME": "authentik",
    "AUTHENTIK_POSTGRESQL__USER": "live",
    "AUTHENTIK_POSTGRESQL__PASSWORD": "live-password",
    "AUTHENTIK_POSTGRESQL__SSLMODE": "verify-full",
    "AUTHENTIK_POSTGRESQL__READ_REPLICAS__0__HOST": "replica.example.org",
    "AUTHENTIK_REDIS__HOST": "redis.example.org",
    "AUTHENTIK_REDIS__PASSWORD": "live-redis",
    "AUTHENTIK_REDIS__DB": "3",
    "AUTHENTIK_REDIS__DB_URL": "redis://live-redis@redis.example.org/3",
    "AUTHENTIK_POSTGRESQL__DEFAULT_SCHEMA": "sso",
    "AUTHENTIK_BROKER__URL": "redis://live-redis@redis.example.org/0",
    "AUTHENTIK_EMAIL__HOST": "mail.example.org",
    "AUTHENTIK_EMAIL__PASSWORD": "live-mail",
    "AUTHENTIK_STORAGE__MEDIA__S3__SECRET_KEY": "live-s3",
    "AUTHENTIK_BOOTSTRAP_PASSWORD": "live-admin",
    "AUTHENTIK_LISTEN__HTTP": "0.0.0.0:8080",
    "AUTHENTIK_ERROR_REPORTING__ENABLED": "true",
    "AUTHENTIK_WEB__PATH": "/sso/",
    "AUTHENTIK_LOG_LEVEL": "debug",
    "TZ": "Europe/Berlin",
    "PATH": "/lifecycle:/usr/bin",
    "UID": "1026",
}


def test_hosts_passwords_and_replicas_are_replaced() -> None:
    copy = copied_environment(LIVE, SERVICES)

    assert copy == {
        "AUTHENTIK_SECRET_KEY": "live-key",
        "AUTHENTIK_POSTGRESQL__HOST": "postgresql",
        "AUTHENTIK_POSTGRESQL__PORT": "5432",
        "AUTHENTIK_POSTGRESQL__NAME": "akbot_drill",
        "AUTHENTIK_POSTGRESQL__USER": "authentik",
        "AUTHENTIK_POSTGRESQL__PASSWORD": "throw-away",
        "AUTHENTIK_POSTGRESQL__DEFAULT_SCHEMA": "sso",
        "AUTHENTIK_REDIS__HOST": "redis",
        "AUTHENTIK_REDIS__DB": "3",
        "AUTHENTIK_ERROR_REPORTING__ENABLED": "false",
        "AUTHENTIK_DISABLE_UPDATE_CHECK": "true",
        "AUTHENTIK_DISABLE_STARTUP_ANALYTICS": "true",
        "AUTHENTIK_OUTPOSTS__DISCOVER": "false",
        "AUTHENTIK_WEB__PATH": "/sso/",
        "AUTHENTIK_LOG_LEVEL": "debug",
        "TZ": "Europe/Berlin",
    }


def test_a_key_in_a_file_that_the_copy_lacks_is_replaced() -> None:
    live = {"AUTHENTIK_SECRET_KEY": "file:///run/secrets/key"}

    assert copied_environment(live, SERVICES)["AUTHENTIK_SECRET_KEY"] == "throw-away"


@pytest.mark.parametrize(
    ("value", "path"), [("", "/"), ("/", "/"), ("/sso/", "/sso/"), ("sso", "/sso/"), ("/X/", "/X/")]
)
def test_the_path_that_it_answers_below(value: str, path: str) -> None:
    assert web_path({"AUTHENTIK_WEB__PATH": value}) == path
    assert web_path({}) == "/"


def test_where_there_is_no_redis_none_is_named() -> None:
    assert "AUTHENTIK_REDIS__HOST" not in copied_environment(LIVE, replace(SERVICES, redis_host=""))
