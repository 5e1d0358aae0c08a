"""A program for a machine without a network: a call that wants to leave it, then one that does not."""

from __future__ import annotations

import asyncio

from pbxnb.errors import MediaFailed
from pbxnb.media import wire
from pbxnb.media.engine import Engine


async def main() -> None:
    engine = Engine()
    for loopback in (False, True):
        call = await engine.open(lambda event: None, loopback=loopback)
        try:
            print((await engine.describe(wire.MakeOffer(call=call))).splitlines()[0])
        except MediaFailed as error:
            print(error)
    await engine.aclose()


if __name__ == "__main__":
    asyncio.run(main())
