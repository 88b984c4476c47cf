"""A prune of a bucket that keeps versions or locks objects, and with a key that may not delete."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.s3 import S3Store
from bot.domain.catalogue import BackupState
from bot.domain.errors import PortError
from bot.domain.store_url import S3Location
from tests.contracts.places import new_bucket, put, s3_store
from tests.contracts.s3_proxy import Proxy, error
from tests.s3_servers import S3Server
from tests.services.stored import store_nights
from tests.services.test_prune import make_world
from tests.services.world import World


async def pruned_later(world: World, store: S3Store) -> World:
    """What `world` has, in *store*."""
    for key, data in world.store.objects.items():
        await put(store, key, data)
    return replace(world, store=store)  # type: ignore[arg-type]


def lock_by_default(server: S3Server, location: S3Location) -> None:
    server.client.put_object_lock_configuration(
        Bucket=location.bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}},
        },
    )


@pytest.mark.parametrize("locked", [False, True], ids=["versioned", "locked"])
async def test_what_is_deleted_is_hidden_by_markers(moto: S3Server, *, locked: bool) -> None:
    location = new_bucket(moto, lock=True)
    if locked:
        lock_by_default(moto, location)
    world = make_world()
    nights = store_nights(world, 5)
    store = s3_store(location, moto)
    world = await pruned_later(world, store)

    pruned = await world.prune()

    assert pruned.keeps_versions
    assert [(each.id, each.state) for each in await world.records()] == [
        (night, BackupState.GOOD) for night in nights[:3]
    ]
    found = moto.client.list_object_versions(Bucket=location.bucket)
    assert len(found["Versions"]) == 5 * 5, "all bytes are still there"
    assert len(found["DeleteMarkers"]) == 2 * 5
    world.clock.at += timedelta(minutes=1)
    assert (await world.prune()).words == "0 deleted, 3 kept"
    await store.close()


async def test_a_key_that_may_not_delete_is_told(store: S3Store, proxy: Proxy) -> None:
    world = make_world()
    nights = store_nights(world, 5)
    world = await pruned_later(world, store)
    proxy.fail("delete", error(403, "AccessDenied"), times=99)

    with pytest.raises(PortError, match=r"2 could not be deleted .*access denied"):
        await world.prune()

    assert [(each.id, each.state) for each in await world.records()] == [
        (night, BackupState.GOOD) for night in nights
    ]
