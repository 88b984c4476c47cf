"""The rows that `filling` writes: SQL expressions over the row number ``n`` and ``{seed}``.

Nothing here is random and nothing asks the clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table, its rows in each batch, and an expression for each column.

    A column that the schema does not have is left out, so that one list serves several versions.
    """

    name: str
    per_batch: int
    columns: dict[str, str]


USERS_PER_BATCH = 40
GROUPS_PER_BATCH = 4
EVENTS_PER_BATCH = 2000
USER_PATH = "users/filled/{seed}"
FIRST_ID = "(1000000 * (1 + {seed} % 1000))"
RANDOM_PARTS = 8  # of 88 characters each, in every event

START = "timestamptz '2025-01-01 00:00:00+00'"
FAR = "timestamptz '2040-01-01 00:00:00+00'"


def _hash(kind: str, number: str = "n") -> str:
    return f"md5('{{seed}}/{kind}/' || ({number}))"


def _uuid(kind: str, number: str = "n") -> str:
    return f"{_hash(kind, number)}::uuid"


def _integer(kind: str, below: str) -> str:
    """Return an integer from 0 to *below* - 1 that hangs on the row's hash."""
    return f"(('x' || left({_hash(kind)}, 8))::bit(32)::bigint % ({below}))::integer"


def _pick(kind: str, *choices: str) -> str:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return f"(ARRAY[{listed}])[1 + {_integer(kind, str(len(choices)))}]"


def _noise(kind: str, parts: int) -> str:
    """Return an expression for base64 text that does not compress: 88 characters for each part."""
    digests = (f"sha512(('{{seed}}/{kind}/{part}/' || n)::bytea)" for part in range(parts))
    return " || ".join(f"translate(encode({digest}, 'base64'), E'\\n', '')" for digest in digests)


def _some_user(per_batch: int) -> str:
    """Return the number of a user that came with the row's own batch or with an earlier one."""
    return f"(1 + {_integer('owner', f'{USERS_PER_BATCH} * (1 + (n - 1) / {per_batch})')})"


def _after(seconds: int) -> str:
    return f"{START} + n * interval '{seconds} seconds'"


_ADDRESS = (
    f"'10.' || {_integer('ip1', '256')} || '.' || {_integer('ip2', '256')} || '.' || (n % 254 + 1)"
)
_AGENT = _pick(
    "agent",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.1 Safari/605.1.15",
)
_EVENT_CONTEXT = f"""jsonb_build_object(
    'asn', jsonb_build_object(
        'asn', {_integer("asn", "65536")}, 'as_org', 'Example Networks', 'network', '10.0.0.0/8'),
    'geo', jsonb_build_object(
        'lat', 52.5, 'long', 13.4, 'city', {_pick("city", "Berlin", "Paris", "Kraków", "Porto")},
        'country', {_pick("city", "DE", "FR", "PL", "PT")}, 'continent', 'EU'),
    'http_request', jsonb_build_object(
        'args', jsonb_build_object('next', '/if/user/', 'client_id', {_hash("client")}),
        'path', '/api/v3/flows/executor/default-authentication-flow/', 'method', 'POST',
        'request_id', {_hash("request")}, 'user_agent', {_AGENT}),
    'auth_method', 'password',
    'auth_method_args', jsonb_build_object('known_device', n % 3 = 0, 'mfa_devices', '[]'::jsonb),
    'message', 'Signed in with a password and a second factor, from a device that was seen before.',
    'token', {_noise("event", RANDOM_PARTS)})"""
_EVENT_USER = _some_user(EVENTS_PER_BATCH)

USERS = Table(
    "authentik_core_user",
    USERS_PER_BATCH,
    {
        "id": f"{FIRST_ID} + n",
        "password": f"'pbkdf2_sha256$1000$' || left({_hash('salt')}, 22) || '$'"
        f" || {_hash('password')}",
        "last_login": _after(4000),
        "username": "'person-{seed}-' || n",
        "first_name": "''",
        "last_name": "''",
        "email": "'person-{seed}-' || n || '@example.org'",
        "is_active": "n % 17 <> 0",
        "date_joined": _after(3600),
        "uuid": _uuid("user"),
        "name": f"{_pick('first', 'Ada', 'Zoë', 'Łukasz', 'Noor', 'Ming')} || ' '"
        f" || initcap(left({_hash('last')}, 9))",
        "password_change_date": _after(3600),
        "attributes": f"jsonb_build_object('badge', {_hash('badge')},"
        f" 'department', {_pick('department', 'sales', 'ops', 'lab')})",
        "path": f"'{USER_PATH}'",
        "type": "CASE WHEN n % 11 = 0 THEN 'service_account' ELSE 'internal' END",
        "last_updated": _after(4000),
    },
)
GROUPS = Table(
    "authentik_core_group",
    GROUPS_PER_BATCH,
    {
        "group_uuid": _uuid("group"),
        "name": "'team-{seed}-' || n",
        "attributes": f"jsonb_build_object('cost_center', {_hash('cost')})",
        "parent_id": f"CASE WHEN n > 1 THEN {_uuid('group', 'n / 2')} END",
        "is_superuser": "false",
    },
)
MEMBERSHIPS = Table(
    "authentik_core_user_ak_groups",
    2 * USERS_PER_BATCH,
    {
        # Rows 2k - 1 and 2k are user k in two groups that differ.
        "user_id": f"{FIRST_ID} + (n + 1) / 2",
        "group_id": _uuid(
            "group",
            "1 + ((n + 1) / 2 * 7 + n % 2)"
            f" % ({GROUPS_PER_BATCH} * (1 + (n - 1) / {2 * USERS_PER_BATCH}))",
        ),
    },
)
TOKENS = Table(
    "authentik_core_token",
    20,
    {
        "token_uuid": _uuid("token"),
        "expires": FAR,
        "expiring": "n % 2 = 0",
        "description": "'Filled token ' || n",
        "user_id": f"{FIRST_ID} + {_some_user(20)}",
        "intent": _pick("intent", "api", "app_password", "recovery"),
        "identifier": "'filled-{seed}-' || n",
        "key": _hash("key") + " || " + _hash("key2"),
    },
)
BINDING_MODELS = Table(
    "authentik_policies_policybindingmodel",
    1,
    {"pbm_uuid": _uuid("binding model"), "policy_engine_mode": "'any'"},
)
PROVIDERS = Table(
    "authentik_core_provider",
    1,
    {"id": f"{FIRST_ID} + n", "name": "'Provider {seed} ' || n", "is_backchannel": "false"},
)
OAUTH2_PROVIDERS = Table(
    "authentik_providers_oauth2_oauth2provider",
    1,
    {
        "provider_ptr_id": f"{FIRST_ID} + n",
        "client_type": "'confidential'",
        "client_id": _hash("client id"),
        "client_secret": _hash("secret") + " || " + _hash("secret2"),
        "_redirect_uris": "jsonb_build_array("
        "jsonb_build_object('url', 'https://app-' || n || '.example.org/callback'))",
    },
)
APPLICATIONS = Table(
    "authentik_core_application",
    1,
    {
        "policybindingmodel_ptr_id": _uuid("binding model"),
        "name": "'Application {seed} ' || n",
        "slug": "'app-{seed}-' || n",
        "meta_launch_url": "'https://app-' || n || '.example.org'",
        "meta_description": "'An application that was filled in'",
        "provider_id": f"{FIRST_ID} + n",
        "group": _pick("menu", "Office", "Tools", ""),
    },
)
ACCESS_TOKENS = Table(
    "authentik_providers_oauth2_accesstoken",
    20,
    {
        "expires": FAR,
        "expiring": "true",
        "revoked": "n % 13 = 0",
        "_scope": "'openid email profile'",
        "token": _noise("access", 4),
        "_id_token": "jsonb_build_object('iss', 'https://sso.example.org',"
        f" 'sub', {_hash('sub')})::text",
        "provider_id": f"{FIRST_ID} + 1 + (n - 1) / 20",
        "user_id": f"{FIRST_ID} + {_some_user(20)}",
    },
)
SESSIONS = Table(
    "authentik_core_session",
    20,
    {
        "session_key": f"left({_hash('session')}, 32)",
        "expires": FAR,
        "expiring": "true",
        "session_data": f"""convert_to('{{"next": "' || {_hash("next")} || '"}}', 'UTF8')""",
        "last_ip": f"({_ADDRESS})::inet",
        "last_user_agent": _AGENT,
        "last_used": _after(7000),
    },
)
AUTHENTICATED_SESSIONS = Table(
    "authentik_core_authenticatedsession",
    20,
    {
        "uuid": _uuid("authenticated session"),
        "expires": FAR,
        "expiring": "true",
        "session_key": f"left({_hash('session')}, 32)",
        "session_id": f"left({_hash('session')}, 32)",
        "last_ip": _ADDRESS,
        "last_user_agent": _AGENT,
        "last_used": _after(7000),
        "user_id": f"{FIRST_ID} + {_some_user(20)}",
    },
)
EVENTS = Table(
    "authentik_events_event",
    EVENTS_PER_BATCH,
    {
        "event_uuid": _uuid("event"),
        "action": _pick(
            "action", "login", "login_failed", "authorize_application", "model_updated", "logout"
        ),
        "app": "'authentik.events.signals'",
        "context": _EVENT_CONTEXT,
        "client_ip": f"({_ADDRESS})::inet",
        "created": _after(60),
        "user": f"jsonb_build_object('pk', {FIRST_ID} + {_EVENT_USER},"
        f" 'username', 'person-{{seed}}-' || {_EVENT_USER},"
        f" 'email', 'person-{{seed}}-' || {_EVENT_USER} || '@example.org')",
        "expires": FAR,
        "expiring": "true",
        "brand": "jsonb_build_object('app', 'authentik_brands', 'name', 'Default brand',"
        " 'pk', '591153ba7b1a4b0a8a0c2ec8d38a8a60')",
    },
)
NOTIFICATIONS = Table(
    "authentik_events_notification",
    10,
    {
        "uuid": _uuid("notification"),
        "severity": _pick("severity", "notice", "warning", "alert"),
        "body": f"'Suspicious login ' || {_hash('body')}",
        "created": _after(9000),
        "seen": "n % 2 = 0",
        "event_id": _uuid("event", f"n * {EVENTS_PER_BATCH // 10}"),
        "user_id": f"{FIRST_ID} + {_some_user(10)}",
    },
)
REPUTATIONS = Table(
    "authentik_policies_reputation_reputation",
    10,
    {
        "reputation_uuid": _uuid("reputation"),
        "identifier": "'person-{seed}-' || n",
        "ip": f"({_ADDRESS})::inet",
        "ip_geo_data": "'{}'",
        "score": f"{_integer('score', '20')} - 10",
        "updated": _after(9000),
    },
)

TABLES = (
    *(
        USERS,
        GROUPS,
        MEMBERSHIPS,
        TOKENS,
        BINDING_MODELS,
        PROVIDERS,
        OAUTH2_PROVIDERS,
        APPLICATIONS,
    ),
    *(ACCESS_TOKENS, SESSIONS, AUTHENTICATED_SESSIONS, EVENTS, NOTIFICATIONS, REPUTATIONS),
)
