"""What a person wants to hold after an update, besides what always must."""

from dataclasses import dataclass

from pydantic import SecretStr

LOGIN_SLUG = "default-authentication-flow"


@dataclass(frozen=True, kw_only=True)
class LoginAccount:
    """Who logs in to see whether people can: an account without a second factor."""

    user: str
    password: SecretStr


@dataclass(frozen=True, kw_only=True)
class SiteChecks:
    """*public_url* is the address at which people log in, *slug* that of their login flow.

    *account* None: no test login.
    """

    slug: str = LOGIN_SLUG
    public_url: str = ""
    urls: tuple[str, ...] = ()
    account: LoginAccount | None = None

    @property
    def login_page(self) -> str:
        """The page where people log in, below Authentik's root."""
        return f"if/flow/{self.slug}/"

    @property
    def public_page(self) -> str:
        """The same as people outside have it, "" where that is not known."""
        return f"{self.public_url.rstrip('/')}/{self.login_page}" if self.public_url else ""
