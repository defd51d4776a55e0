"""An account by its own command, on a real chain."""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import ape
import pytest
from ape.api import AccountAPI

from sluice.instructions import read_messages
from sluice.participant.chain import connect
from sluice.rounds import entries, links
from sluice.sending import move_time
from sluice.words import NO_DIGEST, POOL, WALLET, link_bytes
from tests.integration.conftest import FIRST_PASS, NMR, ROOT, ROUND, Run, World

pytestmark = pytest.mark.anvil

STAKER = 3
ALL_TO_WALLET = [[WALLET, 10_000]]
WAIT_S = 300


@pytest.fixture
def staker(world: World) -> AccountAPI:
    """A test account with 100 NMR in its wallet and nothing in the escrow."""
    account = ape.accounts.test_accounts[STAKER]
    world.escrow.token.transfer(account.address, 100 * NMR, sender=world.owner)
    return account


@pytest.fixture
def staked(world: World, staker: AccountAPI) -> AccountAPI:
    """The same with 10 NMR on models 0 and 3 each, in the passes that opened ROUND and the three
    after it: all of it is at risk."""
    done = account(world, "deposit", "20", "--stake", "0=10", "--stake", "3=10", "--yes")
    assert done.code == 0, done.err
    world.fund(100 * NMR)
    for round_number in range(FIRST_PASS, ROUND):
        pass_over(world, staker, round_number)
    move_time(world.provider, world.deployment.parameters.pass_time(ROUND))
    return staker


@pytest.fixture
def store(world: World) -> Path:
    """A file for signed messages."""
    return world.folder / "messages.jsonl"


def account(world: World, *arguments: object) -> Run:
    return world.run("account", *arguments, "--account", STAKER, "--json")


def processes(world: World, *typed: Sequence[object]) -> list[Run]:
    """Commands that do not wait for each other, each as a process of its own."""
    started = [world.start("account", *each, "--account", STAKER) for each in typed]
    ended = [(process, *process.communicate(timeout=WAIT_S)) for process in started]
    return [Run(process.returncode, out, err) for process, out, err in ended]


def pass_over(
    world: World,
    staker: AccountAPI,
    round_number: int,
    payouts_nano: Mapping[int, int] | None = None,
) -> None:
    """A pass with the staker in it, and payouts of its models."""
    payouts = {(staker.address, model): nano for model, nano in (payouts_nano or {}).items()}
    made = [link_bytes(link) for link in links(entries(payouts, {staker.address: 20 * NMR}, 0))]
    world.announce(round_number, made)
    world.pass_window()
    world.escrow.resolve(round_number, made, NO_DIGEST, sender=world.operator)


def test_deposit_approves_and_stakes_and_says_the_price_before(
    world: World, staker: AccountAPI
) -> None:
    """S53, S41: one command, one question; the way out stands before the first deposit."""
    first = account(
        world, "deposit", "30", "--stake", "0=20", "--stake", "3=5", "--yes", "--nmr-eth", "0.004"
    )

    assert first.code == 0, first.err
    assert [each["name"] for each in first.document["transactions"]] == [
        "approve the escrow",
        "deposit",
    ]
    assert first.document["now"]["stakes_nano"] == {"0": 20 * NMR, "3": 5 * NMR}
    assert first.document["now"]["pool_nano"] == 5 * NMR
    assert world.escrow.token.balance_nano(staker.address) == 70 * NMR
    assert "by your own transactions" in first.err
    assert "counts from round 261 on" in first.err
    assert first.err.index("Price") < first.err.index("deposit: done")
    assert " NMR" in first.err[first.err.index("Price") : first.err.index("deposit: done")]


def test_deposit_replaces_an_allowance_that_is_too_small(world: World, staker: AccountAPI) -> None:
    """NMR turns no allowance into another: the old one goes to zero first."""
    world.escrow.approve(NMR, sender=staker)

    done = account(world, "deposit", "2", "--yes")
    exact = account(world, "deposit", "0.000000001", "--yes")

    assert [each["name"] for each in done.document["transactions"]] == [
        "take the old approval back",
        "approve the escrow",
        "deposit",
    ]
    assert exact.document["now"]["pool_nano"] == 2 * NMR + 1


def test_the_price_of_a_deposit_is_not_below_what_it_costs(
    world: World, staker: AccountAPI
) -> None:
    """What cannot be tried before the approval is said as the most it takes."""
    spread = [part for model in range(0, 65, 4) for part in ("--stake", f"{model}=1")]

    done = account(world, "deposit", "20", *spread, "--yes")

    used = sum(each["gas_used"] for each in done.document["transactions"])
    (said,) = (line for line in done.err.splitlines() if "together, at most" in line)
    assert used <= int(said.split(" gas")[0].rsplit("(", 1)[1].replace(",", ""))


def test_stake_moves_at_once_and_says_from_when_it_counts(world: World, staked: AccountAPI) -> None:
    """S1, S3, S47: both models in one transaction; a decrease shows its dates before it is sent."""
    shown = account(world, "show")
    done = account(world, "stake", "0-5", "3+2", "--yes")
    again = account(world, "stake", "0=5", "--yes")
    schedule = account(world, "schedule")

    assert done.code == 0, done.err
    assert done.document["now"]["stakes_nano"] == {"0": 5 * NMR, "3": 12 * NMR}
    assert len(done.document["transactions"]) == 1
    assert done.document["now"]["at_risk_nano"] == shown.document["at_risk_nano"]
    assert "counts from round 265 on" in done.err
    assert again.document["transactions"] == []
    releases = schedule.document["schedule"]
    assert releases[-1]["amount_nano"] == 3 * NMR
    assert schedule.document["pool_nano"] == 3 * NMR
    lens = connect(world.provider, world.record).lens
    assert [r.amount_nano for r in lens.schedule(staked.address)] == [
        each["amount_nano"] for each in releases
    ]


def test_show_keeps_every_figure_apart(world: World, staked: AccountAPI) -> None:
    """N18, and never stake and pending as one number."""
    shown = account(world, "show")
    stranger = world.run("account", "show", "--account", "0x" + "77" * 20, "--json")

    position = connect(world.provider, world.record).lens.position(staked.address)
    document = shown.document
    assert document["stakes_nano"] == {"0": 10 * NMR, "3": 10 * NMR}
    assert document["pool_nano"] == position.pool_nano == 0
    assert document["at_risk_nano"] == position.at_risk_nano > 0
    assert document["withdrawable_nano"] == position.withdrawable_nano == 0
    assert document["due_nano"] == 0
    assert document["pending"] == []
    assert document["splits"] == {}
    assert stranger.document["stakes_nano"] == {}


def test_withdraw_shows_both_ways_and_takes_the_one_that_is_chosen(
    world: World, staker: AccountAPI, store: Path
) -> None:
    """S20, S21, S22: now for gas, as often as one likes, or free with the batch, which the account
    pays nothing for."""
    account(world, "deposit", "10", "--yes")
    both = account(world, "withdraw", "4", "--nmr-eth", "0.004")
    now = account(world, "withdraw", "4", "--now", "--yes")
    free = account(world, "withdraw", "all", "--free", "--yes", "--store", store)
    pending = account(world, "show", "--store", store)
    eth = staker.balance
    paid = world.run("pay", store, "--yes", "--json")
    after = account(world, "show", "--store", store)

    assert both.code == 0, both.err
    assert "signed" not in both.document
    assert "transactions" not in both.document
    gas, wei = (both.document["way_now"][key] for key in ("gas", "price_wei"))
    assert gas > 21_000
    assert both.document["way_now"]["price_nano"] == -(-wei // 4_000_000)
    assert both.document["way_free"]["period"] == 1
    assert both.document["way_free"]["arrives_by"] == (
        world.deployment.parameters.deployed_at + 14 * 24 * 3600
    )
    assert now.document["now"]["pool_nano"] == 6 * NMR
    assert free.document["way_free"]["amount_nano"] == 6 * NMR
    assert [each["lasts"] for each in pending.document["pending"]] == ["one-time"]
    assert [(each["account"], each["amount_nano"]) for each in paid.document["paid"]] == [
        (staker.address, 6 * NMR)
    ]
    assert staker.balance == eth
    assert world.escrow.token.balance_nano(staker.address) == 100 * NMR
    assert after.document["pending"] == []
    assert after.document["last_paid_period"] == 1


def test_withdraw_says_why_not_and_when(world: World, staked: AccountAPI) -> None:
    account(world, "stake", "0-5", "--yes")

    both = account(world, "withdraw", "5")
    now = account(world, "withdraw", "5", "--now", "--yes")
    free = account(world, "withdraw", "5", "--free", "--yes")
    above = account(world, "withdraw", "6")

    assert both.code == 0, both.err
    assert both.document["way_now"] is None
    assert "not possible" in both.err
    assert (now.code, free.code, above.code) == (1, 1, 1)
    assert "not before" in now.document["error"]
    assert "no batch before could pay it" in free.document["error"]
    assert "the pool holds 5.000000000 NMR" in above.document["error"]


def test_what_is_refused_says_what_to_do_and_sends_nothing(
    world: World, staker: AccountAPI
) -> None:
    """Each refusal its own message; without a yes nothing is sent."""
    refusals = {
        ("deposit", "0"): "deposit an amount above zero",
        ("deposit", "0.0000000001"): "at most nine decimals",
        ("deposit", "101"): "holds 100.000000000 NMR outside the escrow",
        ("deposit", "5", "--stake", "0=6"): "1.000000000 NMR are lacking",
        ("stake", "0=5"): "5.000000000 NMR are lacking",
        ("stake", "65=0"): "models are numbered 0 to 64",
        ("split", "0", "pool=99"): "sum to 99.00%",
        ("split",): "name a model and where its earnings go",
        ("split", "--preset", "compound"): "no model has a stake or a split",
        ("split", "0", "--preset", "balance"): "stake first, or give weights",
        ("withdraw",): "the pool is empty",
        ("withdraw", "1", "--nmr-eth", "0"): "no price of an NMR",
    }  # fmt: skip
    before = staker.nonce
    for arguments, message in refusals.items():
        run = account(world, *arguments, *([] if arguments[0] == "withdraw" else ["--yes"]))
        assert run.code == 1, arguments
        assert message in run.document["error"], arguments
    unsure = account(world, "deposit", "5")
    wrong = account(world, "stake")
    stranger = world.run("account", "stake", "0=1", "--account", "0x" + "77" * 20, "--yes")

    assert "nothing was sent" in unsure.err or unsure.code == 1
    assert wrong.code == 2
    assert "none of ape's" in stranger.err
    assert staker.nonce == before


def test_signed_without_gas_and_relayed(world: World, staked: AccountAPI, store: Path) -> None:
    """N17, S13, N12: stakes of two models and a split by one signature; a second signature builds
    on the first; whoever relays pays; the account spends nothing."""
    first = account(
        world, "stake", "0-5", "3+5", "--split", "0 pool=60 wallet=40", "--gasless", "--yes",
        "--store", store,
    )  # fmt: skip
    second = account(world, "stake", "0+1", "3-1", "--gasless", "--yes", "--store", store)
    pending = account(world, "show", "--store", store).document["pending"]
    eth, nonce = staked.balance, staked.nonce
    url = f"sqlite:///{world.folder / 'relay.sqlite'}"
    added = world.run("relay", "add", store, "--store", url, "--json")
    sent = world.run("relay", "send", "--store", url, "--yes", "--json")
    after = account(world, "show", "--store", url)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert second.document["stakes_nano"] == {"0": 6 * NMR, "3": 14 * NMR}
    assert [each["lasts"] for each in pending] == ["one-time", "one-time"]
    assert added.code == 0, added.err
    assert sent.code == 0, sent.err
    assert after.document["stakes_nano"] == {"0": 6 * NMR, "3": 14 * NMR}
    assert after.document["splits"] == {"0": [[POOL, 6_000], [WALLET, 4_000]]}
    assert [each["lasts"] for each in after.document["pending"]] == ["standing"]
    assert (staked.balance, staked.nonce) == (eth, nonce)


def test_signed_without_a_store_is_printed(world: World, staked: AccountAPI) -> None:
    signed = account(world, "stake", "0-5", "--gasless", "--yes")
    world.folder.joinpath("line.jsonl").write_text(json.dumps(signed.document["signed"]))

    on = connect(world.provider, world.record)
    (message,) = read_messages(world.folder / "line.jsonl", on.domain)

    assert message.message.account == staked.address
    assert signed.document["store"] is None


def test_signed_straight_into_a_relays_store(world: World, staked: AccountAPI) -> None:
    url = f"sqlite:///{world.folder / 'relay.sqlite'}"
    signed = account(world, "stake", "0-5", "--gasless", "--yes", "--store", url)
    sent = world.run("relay", "send", "--store", url, "--yes", "--json")

    assert (signed.code, sent.code) == (0, 0), signed.err + sent.err
    assert account(world, "show").document["stakes_nano"] == {"0": 5 * NMR, "3": 10 * NMR}


def test_a_preset_is_shown_as_splits_and_pays_to_the_wallet(
    world: World, staked: AccountAPI
) -> None:
    """S25, S26, N21: Passive income in one command; what is earned is due and leaves by itself."""
    done = account(world, "split", "--preset", "passive-income", "--yes")
    one = account(world, "split", "3", "default", "--yes")
    pass_over(world, staked, ROUND, {0: NMR, 3: NMR})
    shown = account(world, "show")

    assert done.code == 0, done.err
    assert done.document["splits"] == {"0": ALL_TO_WALLET, "3": ALL_TO_WALLET}
    assert len(done.document["transactions"]) == 1
    assert "100.00% to your wallet" in done.err
    assert one.document["splits"] == {"3": []}
    document = shown.document
    assert document["stakes_nano"] == {"0": 10 * NMR, "3": 11 * NMR}
    assert document["due_nano"] == document["withdrawable_nano"] == NMR
    standing = [each for each in document["pending"] if each["lasts"] == "standing"]
    assert "no request needed" in standing[-1]["when"]


def test_balance_shares_out_by_weights(world: World, staked: AccountAPI) -> None:
    done = account(world, "split", "--preset", "balance", "--weights", "0=50,3=30,5=20", "--yes")
    equal = account(world, "split", "0", "--preset", "balance", "--yes")

    assert done.document["splits"] == {
        model: [[0, 5_000], [3, 3_000], [5, 2_000]] for model in ("0", "3", "5")
    }
    assert equal.document["splits"] == {"0": [[0, 5_000], [3, 5_000]]}


def test_leave_takes_every_stake_off_and_says_when_it_is_free(
    world: World, staked: AccountAPI
) -> None:
    """S40: the way out is one command and the account's own."""
    done = account(world, "leave", "--yes")
    again = account(world, "leave", "--yes")

    assert done.code == 0, done.err
    assert done.document["now"]["stakes_nano"] == {}
    assert done.document["now"]["pool_nano"] == 20 * NMR
    assert "20.000000000 NMR in all" in done.err
    assert again.code == 1
    assert "there is no stake" in again.document["error"]


def test_leave_kills_everything_that_was_signed(
    world: World, staked: AccountAPI, store: Path
) -> None:
    """Two signatures wait, one of them for the nonce after the present one."""
    for typed in ("0-5", "0+1"):
        account(world, "stake", typed, "--gasless", "--yes", "--store", store)
    done = account(world, "leave", "--yes", "--store", store)

    assert done.code == 0, done.err
    names = [each["name"] for each in done.document["transactions"]]
    assert names == ["leave"]
    assert account(world, "show", "--store", store).document["pending"] == []


def test_the_page_shows_what_the_commands_answer() -> None:
    """docs/participants.md is made by running it."""
    spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "participants_page.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    before = tool.PAGE.read_text()

    assert tool.same(before, tool.page(before)), "run tools/participants_page.py"


def test_cancelled_instructions_are_dead(world: World, staked: AccountAPI, store: Path) -> None:
    """N12: whatever was signed before can be taken back, all at once."""
    account(world, "stake", "0-5", "--gasless", "--yes", "--store", store)
    done = account(world, "cancel", "instructions", "--yes")
    url = f"sqlite:///{world.folder / 'relay.sqlite'}"
    added = world.run("relay", "add", store, "--store", url, "--json")

    assert done.code == 0, done.err
    assert done.document["now"]["nonce"] == done.document["nonce"] == 1_000
    assert added.code == 1
    assert account(world, "show", "--store", store).document["pending"] == []
    assert account(world, "show").document["stakes_nano"]["0"] == 10 * NMR


def test_a_cancelled_withdrawal_is_not_paid(world: World, staker: AccountAPI, store: Path) -> None:
    account(world, "deposit", "10", "--yes")
    account(world, "withdraw", "all", "--free", "--yes", "--store", store)
    done = account(world, "cancel", "withdrawal", "--yes")
    again = account(world, "cancel", "withdrawal", "--yes")
    paid = world.run("pay", store, "--yes", "--json")

    assert done.code == 0, done.err
    assert again.code == 1
    assert paid.document["paid"] == []
    assert world.escrow.token.balance_nano(staker.address) == 90 * NMR
    assert account(world, "withdraw", "all", "--now", "--yes").code == 0


@pytest.mark.timeout(900)
def test_the_whole_story_by_processes(world: World, staker: AccountAPI, store: Path) -> None:
    """S53: each step one command as a person types it, in words."""
    told = [
        *processes(world, ("deposit", "10", "--stake", "0=6", "--yes")),
        *processes(
            world,
            ("split", "--preset", "take-profit", "--yes"),
            ("stake", "0-2", "--gasless", "--yes", "--store", store),
        ),
        *processes(
            world,
            ("withdraw", "1", "--now", "--yes"),
            ("withdraw", "all", "--free", "--yes", "--store", store),
        ),
        *processes(world, ("show", "--store", store), ("schedule",)),
    ]

    for each in told:
        assert each.code == 0, each.err
        assert "Traceback" not in each.out + each.err
    shown = told[-2].out
    assert "stake of model 0" in shown
    assert "100.00% to the pool" in shown
    assert shown.count("one-time") == 2
    assert "nothing of the pool is locked" in told[-1].out
