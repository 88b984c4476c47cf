"""Nothing that opens a door stands in a line of a log that people are shown."""

import pytest

from bot.domain.log_masking import mask_keys, mask_line

KEY = "gT6dBzQ0x1LpV7mYkR2sWcN8hJ4fEa9uIoXbDqZtHvKyMrP3"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("link /recovery/use-token/abc-def/ sent", "link /recovery/use-token/***/ sent"),
        (
            r'{"link": "https:\/\/sso\/recovery\/use-token\/abc-def\/", "pid": 1}',
            r'{"link": "https:\/\/sso\/recovery\/use-token\/***\/", "pid": 1}',
        ),
        (r'"{\"at\": \"\\/use-token\\/ab%2Dc\"}"', r'"{\"at\": \"\\/use-token\\/***\"}"'),
        (
            r"\u002Frecovery\u002fuse-token\u002Fabc\u002F x",
            r"\u002Frecovery\u002fuse-token\u002F***\u002F x",
        ),
        ("to=%2Frecovery%2Fuse-token%2Fabc-def%2F x", "to=%2Frecovery%2Fuse-token%2F***%2F x"),
        ("to=%2frecovery%2fuse-token%2fabc&x=1", "to=%2frecovery%2fuse-token%2f***&x=1"),
        ("at %252Fuse-token%252Fabc-def%252F x", "at %252Fuse-token%252F***%252F x"),
        ("the token a1b2c3 is used", "the token *** is used"),
        ('{"event": "made", "key": "Xy12zz"}', '{"event": "made", "key": "***"}'),
        ("Token 'ab-12-cd' for akadmin", "Token '***' for akadmin"),
        ("the code is 482913, once", "the code is ***, once"),
        (r"postgres:\/\/ak:hunter2@db", r"postgres:\/\/ak:***@db"),
        ("GET /if/flow/x/?itoken=0a1b-2c&next=/", "GET /if/flow/x/?itoken=***&next=***"),
        ("GET /if/flow/x/?flow_token=abc HTTP", "GET /if/flow/x/?flow_token=*** HTTP"),
        ("callback?code=abc&state=def", "callback?code=***&state=***"),
        (
            "STATEMENT:  ALTER USER a WITH PASSWORD 'hun''ter 2'",
            "STATEMENT:  ALTER USER a WITH PASSWORD '***'",
        ),
        (
            "ALTER ROLE a PASSWORD 'md50cc175b9c0f1b6a831c399e269772661'",
            "ALTER ROLE a PASSWORD '***'",
        ),
        ("verifier md50cc175b9c0f1b6a831c399e269772661 x", "verifier *** x"),
        ("verifier SCRAM-SHA-256$4096:c2FsdA==$abc:def x", "verifier SCRAM-SHA-256$*** x"),
        (
            "DETAIL:  Key (identifier)=(a-b) already exists.",
            "DETAIL:  Key (identifier)=(***) already exists.",
        ),
        (
            "DETAIL:  Failing row contains (12, me, pbkdf2_sha256$10$sAlT$ha/sh=, JBSWY3DP, null).",
            "DETAIL:  Failing row contains (***",
        ),
        (
            r'{"event": "null\nDETAIL:  Failing row contains (6f1b, my-own-key).\nx", "a": 1}',
            r'{"event": "null\nDETAIL:  Failing row contains (***\nx", "a": 1}',
        ),
        (
            'CONTEXT:  COPY authentik_core_token, line 7: "6f1b, my-own-key"',
            'CONTEXT:  COPY authentik_core_token, line 7: "***',
        ),
        (
            'CONTEXT:  COPY authentik_core_token, line 7, column key: "my-own-key"',
            'CONTEXT:  COPY authentik_core_token, line 7, column key: "***',
        ),
        ("hash pbkdf2_sha256$1000000$sAlT$ha/sh+= x", "hash pbkdf2_sha256$*** x"),
        ("hash argon2$argon2id$v=19$m=1,t=2$c2F$aGF x", "hash argon2$*** x"),
        (
            """SELECT 1 FROM t WHERE "key" = 'my-own-key'""",
            """SELECT 1 FROM t WHERE "key" = '***'""",
        ),
        ("the password is hunter22", "the password is ***"),
        ('{"password2": "x1"}', '{"password2": "***"}'),
        ("otp=123456", "otp=***"),
        ("/cas?ticket=ST-abc HTTP", "/cas?ticket=*** HTTP"),
        (
            "DETAIL:  parameters: $1 = 'abc', $2 = '7'",
            "DETAIL:  parameters: $1 = '***', $2 = '***'",
        ),
        (
            """STATEMENT:  INSERT INTO "authentik_core_token" ("key") VALUES ('abc', 7, 'it''s')""",
            """STATEMENT:  INSERT INTO "authentik_core_token" ("key") VALUES ('***', 7, '***')""",
        ),
        ("UPDATE t SET key = 'abc' WHERE id = 'x'", "UPDATE t SET key = '***' WHERE id = '***'"),
        (
            "POST https://hooks.slack.com/services/T0/B0/xYz failed",
            "POST https://hooks.slack.com/services/*** failed",
        ),
        (
            "to https://discord.com/api/webhooks/12/aB-c: 404",
            "to https://discord.com/api/webhooks/***: 404",
        ),
        ("code_verifier=abcdefgh&x=1", "code_verifier=***&x=1"),
        ("AKIA wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY x", "AKIA *** x"),
        ('{"password": "let me in"}', '{"password": "***"}'),
        ('{"password": "a \\"b\\" c", "pid": 1}', '{"password": "***", "pid": 1}'),
        (
            r'{"body": "{\"password\": \"a b\", \"x\": 1}"}',
            r'{"body": "{\"password\": \"***\", \"x\": 1}"}',
        ),
        ("{'password': b'let me in', 'x': 1}", "{'password': b'***', 'x': 1}"),
        ("{'token': ['let me in']}", "{'token': ['***']}"),
        ('password="never closed', 'password="***'),
        ('secret: "" is empty', 'secret: "" is empty'),
        ("pwd=abc x", "pwd=*** x"),
        ("pass=abc x", "pass=*** x"),
        ("smtp_pass: abc", "smtp_pass: ***"),
        ('{"bind_pw": "let me in", "pid": 1}', '{"bind_pw": "***", "pid": 1}'),
        ("bindpw=abc&x=1", "bindpw=***&x=1"),
        ("ikey=DI1&skey=abc", "ikey=DI1&skey=***"),
        ("SAMLResponse=PHNhbWw+/w==&RelayState=x", "SAMLResponse=***&RelayState=x"),
        ("?SAMLResponse%3DPHNhbWw%2B HTTP", "?SAMLResponse%3D*** HTTP"),
        ("passphrase: correct horse battery", "passphrase: ***"),
        ("api-key=abc", "api-key=***"),
        ("X-Api-Key: abc", "X-Api-Key: ***"),
        ("sessionid=abc; Path=/", "sessionid=***; Path=/"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("/login%3Ftoken%3Dabc HTTP", "/login%3Ftoken%3D*** HTTP"),
        ("/login%253Fcode%3Dx token%253Dabc", "/login%253Fcode%3Dx token%253D***"),
        ("/cb%3Fcode%3Dabc HTTP", "/cb%3Fcode%3D*** HTTP"),
        ("Authorization: Token abc", "Authorization: Token ***"),
        ("{'HTTP_AUTHORIZATION': 'Token abc'}", "{'HTTP_AUTHORIZATION': 'Token ***'}"),
        ("Authorization: abc", "Authorization: ***"),
        ("client_secret='abc', x", "client_secret='***', x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("postgres://user:hunter2@db/authentik", "postgres://user:***@db/authentik"),
        ("postgres://ak:hun/ter2@db", "postgres://ak:***@db"),
        ("postgres://ak:p@ss@db/authentik", "postgres://ak:***@db/authentik"),
        ("redis://:p/a@s:s@cache:6379/0 x@y", "redis://:***@cache:6379/0 x@y"),
        ("https://me:hun/ter2@host/", "https://me:***@host/"),
        ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.c2ln end", "jwt *** end"),
        (f"key {KEY} used", "key *** used"),
        ("Set-Cookie: authentik_session=abc; Path=/", "Set-Cookie: ***; Path=/"),
    ],
)
def test_what_opens_a_door_is_masked(line: str, masked: str) -> None:
    assert mask_line(line) == masked


@pytest.mark.parametrize("opening", ['password="', "password=", '"token": \\"', "passphrase='", ""])
@pytest.mark.parametrize("unit", ["\\", '\\"', "\\\\\\'", "a:", "token_", "[", "://"])
def test_a_long_line_takes_no_longer_than_its_length(opening: str, unit: str) -> None:
    line = opening + unit * (2**18 // len(unit))  # by the square of that it would take minutes

    assert len(mask_line(line)) <= len(line)


@pytest.mark.parametrize(
    "line",
    [
        "django.db.utils.ProgrammingError: column authentik_core_user.uuid does not exist",
        "RuntimeError: The SECRET_KEY setting must not be empty.",
        "  Applying authentik_core.0046_session_and_more_of_a_very_long_name_indeed_2025...",
        "KeyError: 'name'",
        "the token has expired",
        "the password is too short, and where it is nobody knows",
        "exit code 137, status code 404",
        "bypass: no, tests passed: 3, pass-through: yes, a pass of the queue",
        'duplicate key value violates unique constraint "authentik_core_token_key_0f1e"',
        r'{"at": "http:\/\/localhost:9000\/api\/v3\/", "by": "me@example.org"}',
        "use-token is not allowed",
        "GET http://localhost:9000/api/v3/core/users/?search=me@example.org",
        "connect to tcp://db:5432 failed",
        "jwt.exceptions.InvalidTokenError: Signature has expired",
        '{"event": "Task finished", "pid": 12, "timestamp": "2026-06-02T08:27:08.123456+00:00"}',
    ],
)
def test_what_explains_stays(line: str) -> None:
    assert mask_line(line) == line


@pytest.mark.parametrize(
    "text",
    [
        'the store is full; see "akbot jobs settle 20261124T033000Z-k3f9"',
        "pull the image ghcr.io/goauthentik/server:2025.10.1@sha256:0f1e2d3c4b5a: no room",
        "open https://nas:9000/bucket/akbot/ as me@example.org: refused",
        "set AKBOT_TELEGRAM_TOKEN, or AKBOT_PASSPHRASE: it is empty",
    ],
)
def test_words_of_our_own_stay(text: str) -> None:
    assert mask_keys(text) == text
