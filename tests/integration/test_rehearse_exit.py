"""`ape run rehearse-exit`: on a made-up tournament, on a copy of a running chain, against hostile
keys."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from sluice.local_chain import anvil_chain
from sluice.rehearsal import KeysBurn, KeysDelay, made_up, rehearse
from tests.integration.conftest import ROOT, STAKE_NANO, World, command

pytestmark = pytest.mark.anvil


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner(mix_stderr=False).invoke(
        command("rehearse-exit"), [str(each) for each in arguments]
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def out_to_the_nano(account: dict[str, Any]) -> bool:
    paid = sum(sent["paid_nano"] for sent in account["transactions"])
    return bool(account["out"]) and paid == account["paid_out_nano"] == account["equity_nano"]


def test_everybody_is_out_in_time_once_the_keys_are_gone() -> None:
    """N1 N2 S45: every kind of account, from the middle of a half-resolved round, with `leave` and
    `withdraw` only; each as early as its schedule promised; and what each transaction cost. S9: the
    page shows the same figures."""
    code, out, err = run("--json")

    document = json.loads(out)
    assert code == 0
    assert document["everything_out"] is True
    assert 41 <= document["out_after_days"] <= document["bound_days"] == 49
    assert f"everything out after {document['out_after_days']} days; bound 49 days" in err
    assert len(document["accounts"]) == 7
    page = (ROOT / "docs" / "way-out.md").read_text()
    *_, table = err.split("Who got out")
    rows = [line.rstrip() for line in table.splitlines() if line.startswith("│")]
    assert len(rows) == 7
    assert [row for row in rows if row not in page] == [], "run python tools/way_out_page.py"
    for account in document["accounts"]:
        assert out_to_the_nano(account)
        assert account["promises_kept"]
        assert {sent["call"] for sent in account["transactions"]} == {"leave()", "withdraw(max)"}
        assert all(0 < sent["gas"] < 200_000 for sent in account["transactions"])
        assert all(
            sent["cost_wei"] == sent["gas"] * document["gas_price_wei"]
            for sent in account["transactions"]
        )
        before, after = account["weeks"][0], account["weeks"][-1]
        assert before["staked_nano"] > 0
        assert after == {
            "time": after["time"],
            "staked_nano": 0,
            "locked_nano": 0,
            "withdrawable_nano": 0,
            "paid_out_nano": account["equity_nano"],
        }


def test_hostile_keys_neither_delay_anybody_nor_burn_more_than_was_at_risk() -> None:
    """N5 N6: keys that let no round end change no date; keys that burn what they can take what was
    at risk and nothing besides. Of the same tournament, one after the other."""
    with anvil_chain() as chain:
        stage = made_up(chain, weeks=6)
        with chain.undone():
            delayed = rehearse(stage, KeysDelay)
        with chain.undone():
            burned = rehearse(stage, KeysBurn)

    assert delayed.succeeded
    assert burned.succeeded
    assert len(delayed.deeds) == 5
    for each in delayed.exits:
        assert (each.burned_nano, each.paid_out_nano) == (0, each.equity_nano)
    for each in burned.exits:
        assert 0 < each.burned_nano <= min(each.bound_nano, each.equity_nano)
        assert each.paid_out_nano == each.equity_nano - each.burned_nano


def test_rehearses_on_a_copy_and_leaves_the_chain_alone(two_stakers: World) -> None:
    """N2: anybody can rehearse for an account of a deployed escrow, without any key."""
    world = two_stakers
    account = world.names["staker01"]
    before = (world.escrow.last_block(), world.lens.position(account))

    code, out, _ = run(
        "--fork", world.url, "--record", world.record, "--account", account, "--json"
    )

    document = json.loads(out)
    assert code == 0
    (left,) = document["accounts"]
    assert left["account"] == account
    assert left["equity_nano"] == 2 * STAKE_NANO
    assert out_to_the_nano(left)
    assert (world.escrow.last_block(), world.lens.position(account)) == before

    code, _, err = run("--fork", world.url, "--record", world.record, "--account", "0x12")
    assert code == 1
    assert "0x12 is no address" in err
    stranger = "0x" + "77" * 20
    code, _, err = run("--fork", world.url, "--record", world.record, "--account", stranger)
    assert code == 1
    assert "holds nothing in this escrow" in err


def test_refuses_a_name_that_nobody_has() -> None:
    code, _, err = run("--account", "nobody")

    assert code == 1
    assert "nobody is none of those made up: name one of one model, every model" in err
