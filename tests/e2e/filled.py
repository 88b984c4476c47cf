"""What tests expect in the sandbox's Redis, for those that empty it to put it back."""

from tests.sandbox.fixture import Sandbox


def fill_redis(sandbox: Sandbox) -> None:
    """A hundred keys and a hash."""
    commands = [f"set test:{number} {'x' * number}." for number in range(100)]
    commands.append("hset test:hash field value")
    sandbox.docker(
        "exec", "--interactive", "authentik-redis", "redis-cli", stdin="\n".join(commands)
    )
