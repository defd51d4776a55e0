"""Batches by their scripts with an access list and without, on a real chain."""

from collections.abc import Callable
from typing import Any

import ape
import pytest
from web3.eth import Eth
from web3.exceptions import MethodUnavailable

from sluice.access_lists import PAYS_FROM_KEYS, Listed, documents
from sluice.contract import _Listed
from sluice.instructions import Domain, instruction, request, sign, write_messages
from sluice.ledger import ALL
from sluice.node import watch
from tests.integration.conftest import NMR, ROUND, SPREAD, Run, World

pytestmark = pytest.mark.anvil

ACCOUNTS = 4
MODELS = tuple(range(0, 65, 8))


@pytest.fixture
def makes_no_lists(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, the node answers that it does not know the method."""

    def refuse(*_: object) -> Any:
        raise MethodUnavailable("the method eth_createAccessList is not available")

    return lambda: monkeypatch.setattr(Eth, "create_access_list", refuse)


def listed_keys(world: World) -> dict[str, int]:
    """How many storage slots the last transaction names, by account."""
    block: Any = world.provider.web3.eth.get_block("latest", full_transactions=True)
    sent = block["transactions"][-1]
    assert sent["type"] == 2
    return {each["address"]: len(each["storageKeys"]) for each in sent["accessList"]}


def with_and_without(
    world: World,
    run: Callable[[], Run],
    makes_no_lists: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> tuple[Run, dict[str, int], Run]:
    """The same run twice on the same state, first with a list, what it names, then without."""
    before = world.rpc("evm_snapshot")
    listed = run()
    named = listed_keys(world)
    world.rpc("evm_revert", before)
    # taken back on purpose: not to be held against the node
    watch(world.provider)
    makes_no_lists()
    plain = run()
    for each in (listed, plain):
        assert each.code == 0, each.err
        assert each.document["transactions"] == 1
    assert listed_keys(world) == {}
    (said,) = [each.getMessage() for each in caplog.records if each.name == "sluice.contract"]
    assert "batches go without" in said
    return listed, named, plain


def test_route_lists_what_a_pass_reaches(
    world: World, makes_no_lists: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A pass of many pages names them and takes a hundred gas less for each; on a node that
    makes no lists the same round goes without."""
    world.stake(ACCOUNTS, SPREAD)
    world.fund(1_000 * NMR)
    world.open_round()
    payouts = {
        (name, model): "0.5" if (place + model) % 3 else "-0.25"
        for place, name in enumerate(world.names)
        for model in SPREAD
    }
    inputs = world.write_inputs(payouts)
    assert world.route(inputs).code == 3
    world.pass_window()

    listed, named, plain = with_and_without(
        world, lambda: world.route(inputs), makes_no_lists, caplog
    )

    assert set(named) == {world.escrow.address}
    assert named[world.escrow.address] > ACCOUNTS * (1 + len(SPREAD) - 1)
    saved = 100 * (named[world.escrow.address] - PAYS_FROM_KEYS + 1)
    assert plain.document["gas"] - listed.document["gas"] >= saved
    assert world.escrow.round_state().resolved == ROUND


def test_a_pass_of_few_accounts_names_nothing(two_stakers: World) -> None:
    world = two_stakers

    done = world.route(world.write_inputs({("staker01", 0): "1"}), "--wait")

    assert done.code == 0, done.err
    assert listed_keys(world) == {}


def test_pay_lists_the_token_even_for_few(
    world: World, makes_no_lists: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Two payments reach fewer slots of the escrow than a list is worth; the token, which the
    transaction does not reach by itself, is worth naming for any number."""
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    stakers = ape.accounts.test_accounts[3:5]
    world.escrow.approve(20 * NMR, sender=world.owner)
    for staker in stakers:
        world.escrow.deposit_for(staker.address, 5 * NMR, sender=world.owner)
    path = world.folder / "requests.jsonl"
    write_messages([sign(request(each.address, ALL, 1), domain, each) for each in stakers], path)

    listed, named, plain = with_and_without(
        world, lambda: world.run("pay", path, "--yes", "--json"), makes_no_lists, caplog
    )

    token = world.deployment.token
    assert set(named) == {token}
    assert plain.document["gas"] - listed.document["gas"] >= 100 * (1 + named[token])
    assert [world.escrow.token.balance_nano(each.address) for each in stakers] == [5 * NMR] * 2


def test_relay_lists_what_instructions_reach(
    world: World, makes_no_lists: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Instructions for stakes on many pages, as a relay sends them; exactly one nonce each."""
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    stakers = ape.accounts.test_accounts[3:7]
    world.escrow.approve(200 * NMR, sender=world.owner)
    for staker in stakers:
        world.escrow.deposit_for(staker.address, 40 * NMR, sender=world.owner)
    path = world.folder / "messages.jsonl"
    asked = dict.fromkeys(MODELS, NMR)
    write_messages(
        [sign(instruction(each.address, asked, {}, 0), domain, each) for each in stakers], path
    )

    def send() -> Run:
        store = f"sqlite:///{world.folder / 'relay'}{world.escrow.last_block().number}.sqlite"
        for made in world.folder.glob("relay*.sqlite"):
            made.unlink()
        assert world.run("relay", "add", path, "--store", store, "--json").code == 0
        return world.run("relay", "send", "--store", store, "--yes", "--json")

    listed, named, plain = with_and_without(world, send, makes_no_lists, caplog)

    assert named[world.escrow.address] >= len(stakers) * len(MODELS)
    assert plain.document["gas"] > listed.document["gas"]
    assert {world.lens.position(each.address).nonce for each in stakers} == {1}


def test_a_person_who_signs_is_shown_how_long_the_list_is(world: World) -> None:
    """ape shows what it asks to sign: of thousands of slots only how many they are."""
    named = documents((Listed(world.escrow.address, tuple(range(60))),))
    made = {"type": 2, "chainId": 1, "to": world.escrow.address, "accessList": named}
    shown = _Listed.model_validate(made)

    assert "accessList: 60 slots" in str(shown)
    assert len(shown.access_list[0].storage_keys) == 60
