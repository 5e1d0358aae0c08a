"""Accounts that come and go under traffic, and clicks that dial, leave nothing that contradicts itself."""

from random import Random

import pytest

from pbxnb.simulator import serve
from pbxnb.simulator.engine.provisioning import KINDS, create, delete, read_settings, write_settings
from tests.helpers.sim_client import contradictions


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("preset", ["office", "callcentre", "storm"])
async def test_accounts_come_and_go_under_traffic(preset: str, seed: int) -> None:
    rng = Random(f"provisioning {seed}")
    async with serve(preset, extensions=30, seed=seed, held=True) as sim:
        pbx = sim.pbx
        for _ in range(60):
            number = rng.choice([*pbx.accounts, "77", "78", "500", "600", "700"])
            match rng.randrange(4):
                case 0 if number != sim.user:
                    delete(pbx, number)
                case 1:
                    create(pbx, rng.choice(sorted(KINDS)), number)
                case 2 if number in pbx.accounts:
                    account = pbx.accounts[number]
                    members = " ".join(rng.sample(sorted(pbx.accounts), min(5, len(pbx.accounts))))
                    write_settings(
                        pbx, account, {"all_agents": members, "st1_ext": members, "dnd": "true", "cfa": number}
                    )
                    assert all(isinstance(value, str) for value in read_settings(account).values())
                case 3:
                    pbx.switch.call_back(number, rng.choice([*pbx.accounts, "+12025550101"]))
            sim.server.skip(rng.expovariate(1 / 20))
            assert not list(contradictions(pbx))
        sim.server.skip(600)
        assert not list(contradictions(pbx))


@pytest.mark.parametrize("called", ["500", "600"])
async def test_a_call_to_a_group_goes_on_without_the_one_who_is_deleted(called: str) -> None:
    async with serve("empty", extensions=6) as sim:
        call = sim.pbx.calls[sim.place_call("+12025550101", called)]
        gone = call.ringing[0]
        delete(sim.pbx, gone)
        assert call.open
        assert call.ringing
        assert gone not in call.ringing
        assert not list(contradictions(sim.pbx))
