"""Who would lose his network with a rollback."""

import pytest

from bot.domain.cut_off import require_no_guests
from bot.domain.errors import RefusedError


def test_a_rollback_that_would_cut_somebody_off_is_refused() -> None:
    require_no_guests([])

    with pytest.raises(RefusedError) as caught:
        require_no_guests(["proxy", "mailer"])

    assert '"proxy" lives in the network' in str(caught.value)
    assert '"mailer" lives in the network' in str(caught.value)
    assert "Nothing was changed" in str(caught.value)
    assert "up -d --force-recreate proxy" in caught.value.hint
