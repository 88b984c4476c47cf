"""Where people log in."""

import pytest

from bot.domain.site_checks import SiteChecks


@pytest.mark.parametrize(
    ("public_url", "page"),
    [
        ("", ""),
        ("https://a.example", "https://a.example/if/flow/in/"),
        ("https://a.example/X/", "https://a.example/X/if/flow/in/"),
    ],
)
def test_the_login_page_lies_below_the_public_url(public_url: str, page: str) -> None:
    assert SiteChecks(slug="in", public_url=public_url).public_page == page
