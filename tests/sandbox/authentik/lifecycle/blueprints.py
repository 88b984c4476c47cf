"""What the worker makes after the first start: akadmin, the login flow, the brand (§11)."""

from uuid import NAMESPACE_DNS, UUID, uuid5

from . import logs, passwords
from .database import Connection, connect
from .settings import Settings
from .version import USERS_HAVE_LAST_UPDATED, at

LOGIN_FLOW = "default-authentication-flow"
STAGES = ("identification", "password", "login")
ADMIN = "akadmin"


def apply_blueprints(settings: Settings) -> None:
    """Make what a fresh install needs; on any later start it does nothing."""
    with connect(settings) as connection:
        found = connection.execute(
            "SELECT 1 FROM authentik_flows_flow WHERE slug = %s", (LOGIN_FLOW,)
        )
        if found.fetchone() is None:
            _make_flow(connection)
            _make_brand(connection)
            _make_admin(connection, settings)
            logs.event("Applied blueprints", logger="authentik.blueprints.v1.tasks")


def _uuid(name: str) -> UUID:
    return uuid5(NAMESPACE_DNS, f"{name}.standin")


def _make_flow(connection: Connection) -> None:
    for name in ("flow", *STAGES):
        connection.execute(
            "INSERT INTO authentik_policies_policybindingmodel VALUES (%s, 'any')",
            (_uuid(f"pbm-{name}"),),
        )
    connection.execute(
        "INSERT INTO authentik_flows_flow (flow_uuid, name, slug, designation,"
        " policybindingmodel_ptr_id, title, background, layout, authentication)"
        " VALUES (%s, 'Welcome to authentik!', %s, 'authentication', %s,"
        " 'Welcome to authentik!', '', 'stacked', 'none')",
        (_uuid("flow"), LOGIN_FLOW, _uuid("pbm-flow")),
    )
    for order, name in enumerate(STAGES):
        connection.execute(
            "INSERT INTO authentik_flows_stage VALUES (%s, %s)",
            (_uuid(name), f"default-authentication-{name}"),
        )
        connection.execute(
            "INSERT INTO authentik_flows_flowstagebinding (fsb_uuid, policybindingmodel_ptr_id,"
            ' evaluate_on_plan, "order", target_id, stage_id) VALUES (%s, %s, false, %s, %s, %s)',
            (
                _uuid(f"fsb-{name}"),
                _uuid(f"pbm-{name}"),
                10 * (order + 1),
                _uuid("flow"),
                _uuid(name),
            ),
        )
    _make_stage_settings(connection)


def _make_stage_settings(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO authentik_stages_identification_identificationstage"
        " VALUES (%s, ARRAY['email', 'username'], true)",
        (_uuid("identification"),),
    )
    connection.execute(
        "INSERT INTO authentik_stages_password_passwordstage"
        " VALUES (%s, ARRAY['authentik.core.auth.InbuiltBackend'], 5)",
        (_uuid("password"),),
    )
    connection.execute(
        "INSERT INTO authentik_stages_user_login_userloginstage VALUES (%s, 'seconds=0')",
        (_uuid("login"),),
    )


def _make_brand(connection: Connection) -> None:
    connection.execute(
        'INSERT INTO authentik_brands_brand (brand_uuid, domain, "default", branding_title,'
        " branding_logo, branding_favicon, flow_authentication_id, attributes)"
        " VALUES (%s, 'authentik-default', true, 'authentik',"
        " '/static/dist/assets/icons/icon_left_brand.svg',"
        " '/static/dist/assets/icons/icon.png', %s, '{}')",
        (_uuid("brand"), _uuid("flow")),
    )


def _make_admin(connection: Connection, settings: Settings) -> None:
    # Without a bootstrap password the account exists but nobody can log in, as Django marks it.
    password = settings.bootstrap_password
    columns = "password, username, email, is_active, date_joined, uuid, name, password_change_date,"
    values = "%s, %s, %s, true, now(), %s, 'authentik Default Admin', now(),"
    if at(USERS_HAVE_LAST_UPDATED):
        columns, values = f"last_updated, {columns}", f"now(), {values}"
    connection.execute(
        f"INSERT INTO authentik_core_user ({columns} attributes, path, type)"
        f" VALUES ({values} '{{}}', 'users', 'internal')",
        (
            passwords.hash_password(password) if password else "!",
            ADMIN,
            settings.bootstrap_email,
            _uuid(ADMIN),
        ),
    )
    connection.execute(
        "INSERT INTO authentik_core_group (group_uuid, name, attributes, is_superuser)"
        " VALUES (%s, 'authentik Admins', '{}', true)",
        (_uuid("admins"),),
    )
    connection.execute(
        "INSERT INTO authentik_core_user_ak_groups (user_id, group_id)"
        " SELECT id, %s FROM authentik_core_user WHERE username = %s",
        (_uuid("admins"), ADMIN),
    )
