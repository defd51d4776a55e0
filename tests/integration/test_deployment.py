"""Deploying, reading back, and refusing to work on anything else than what was recorded."""

from dataclasses import replace
from pathlib import Path

import ape
import pytest
from ape.api import AccountAPI

from sluice.anvil import free_port
from sluice.deploying import Plan, check_plan, deploy
from sluice.deployment import Deployment, Roles, is_alive, load_and_check, read_record, write_record
from sluice.devnet import anvil
from sluice.errors import ChainMismatch, InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.ledger import ALL
from sluice.lens import Lens
from sluice.sending import chain_time
from tests.integration.conftest import NMR, World

PLAN = Plan(Roles("0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20), 261, 2_000)


@pytest.fixture
def deployment(deployer: AccountAPI) -> Deployment:
    """An escrow on whatever chain the tests are connected to."""
    roles = Roles(*(account.address for account in ape.accounts.test_accounts[:3]))
    return deploy(Plan(roles, 261, chain_time(ape.networks.provider) + 1_000), deployer)


def test_deploy_reads_back_and_records(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "deployments" / "local.json"
    write_record(deployment, path)

    loaded, escrow = load_and_check(path)

    assert loaded == deployment
    assert deployment.network == "local"
    assert escrow.round_state().resolved == 260
    assert escrow.parameters() == deployment.parameters
    assert (escrow.owner(), escrow.operator(), escrow.guardian()) == (
        deployment.roles.owner,
        deployment.roles.operator,
        deployment.roles.guardian,
    )
    assert is_alive(path, ape.networks.provider)


def test_deploy_takes_a_given_token_and_burner_and_no_other(
    deployment: Deployment, deployer: AccountAPI
) -> None:
    plan = Plan(
        deployment.roles, 5, chain_time(ape.networks.provider) + 1_000, token=deployment.token
    )

    second = deploy(replace(plan, burner=deployment.burner), deployer)

    assert (second.token, second.burner) == (deployment.token, deployment.burner)
    other = deploy(replace(plan, token=None), deployer)
    with pytest.raises(ChainMismatch, match="is of another token"):
        deploy(replace(plan, burner=other.burner), deployer)
    with pytest.raises(ChainMismatch, match="token: no contract at"):
        deploy(replace(plan, token="0x" + "77" * 20, burner=other.burner), deployer)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chain_id": 1}, "choose the other with --network"),
        ({"block_hash": "0x" + "00" * 32}, "another chain with the same id"),
        ({"block": 10**6}, "is not there"),
        ({"code_hash": "0x" + "00" * 32}, "is not the recorded one"),
        ({"address": "0x" + "00" * 19 + "77"}, "there is none"),
        ({"lens": "0x" + "00" * 19 + "77"}, "there is none"),
        ({"lens_code_hash": "0x" + "00" * 32}, "is not the recorded one"),
        ({"burner": "0x" + "00" * 19 + "77"}, "was made with"),
    ],
)
def test_load_and_check_refuses_another_chain_or_contract(
    deployment: Deployment, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "local.json"
    write_record(replace(deployment, **changes), path)

    with pytest.raises(ChainMismatch, match=message):
        load_and_check(path)
    assert not is_alive(path, ape.networks.provider)


def test_load_and_check_refuses_the_lens_of_another_escrow(
    deployment: Deployment, deployer: AccountAPI, tmp_path: Path
) -> None:
    path = tmp_path / "local.json"
    plan = Plan(deployment.roles, 5, chain_time(ape.networks.provider) + 1_000)
    other = deploy(plan, deployer)
    write_record(replace(deployment, lens=other.lens, lens_code_hash=other.lens_code_hash), path)

    with pytest.raises(
        ChainMismatch, match=f"looks at the escrow {other.address}, the record says"
    ):
        load_and_check(path)


def test_load_and_check_refuses_other_parameters(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    write_record(replace(deployment, parameters=replace(deployment.parameters, window_s=1)), path)

    with pytest.raises(ChainMismatch, match=r"the record says .*window_s=1,"):
        load_and_check(path)


def test_read_record_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="deploy first"):
        read_record(tmp_path / "local.json")
    (tmp_path / "local.json").write_text('{"network": "local"}')
    with pytest.raises(InvalidInput, match="restore the record"):
        read_record(tmp_path / "local.json")


@pytest.mark.parametrize(
    ("changes", "local", "message"),
    [
        ({}, False, "token: name the NMR token"),
        ({"burner": "0x" + "44" * 20}, True, "burner: it is made for one token"),
        ({"first_pass": 0}, True, "first_pass: rounds are numbered from 1"),
        ({"first_pass_time": 1_000}, True, "first_pass_time: 1000 is past"),
        ({"window_s": 302_400}, True, "window: must be under half the round length"),
        ({"window_s": 100, "grace_s": 100}, True, "window: must be shorter than the grace"),
        ({"cap_bps": 2_501}, True, "cap_bps: 1 to 2,500"),
        ({"token": "0x12"}, True, "token: 0x12 is no address"),
        ({"token": "0x" + "00" * 20}, True, "is no address"),
    ],
)
def test_check_plan_refuses(changes: dict[str, object], local: bool, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        check_plan(replace(PLAN, **changes), 1_000, local)
    check_plan(PLAN, 1_000, True)


def test_escrow_speaks_nano_and_reports_the_contracts_words(
    deployment: Deployment, deployer: AccountAPI
) -> None:
    """The edge converts once, sets NMR's allowance anew by way of zero, and refuses before it
    sends."""
    escrow = Escrow(deployment.address)
    assert len(escrow.approve(5 * NMR, sender=deployer)) == 1
    assert escrow.approve(5 * NMR, sender=deployer) == []
    assert len(escrow.approve(10 * NMR, sender=deployer)) == 2

    escrow.deposit_and_stake(10 * NMR, {0: NMR, 64: 2 * NMR}, sender=deployer)

    lens = Lens(deployment.lens)
    position = lens.position(deployer.address)
    assert (position.pool_nano, position.staked_nano) == (7 * NMR, 3 * NMR)
    assert (position.withdrawable_nano, position.round_number) == (7 * NMR, None)
    assert lens.stakes_of(deployer.address) == {0: NMR, 64: 2 * NMR}
    stranger = ape.accounts.test_accounts[5].address
    holding, nothing = escrow.storage.holdings([deployer.address, stranger])
    assert (holding.word.pool_nano, holding.staked_nano) == (7 * NMR, 3 * NMR)
    assert holding.stakes_nano == {0: NMR, 64: 2 * NMR}
    assert nothing.staked_nano == 0
    found = [accounts for _, accounts in escrow.accounts(0, escrow.last_block().number)]
    assert set().union(*found) == {deployer.address}
    nonce = deployer.nonce
    with pytest.raises(
        Refused, match=r"^withdraw: more than is withdrawable, see Lens\.position\(\)$"
    ):
        escrow.withdraw(8 * NMR, sender=deployer)
    assert deployer.nonce == nonce
    escrow.leave(sender=deployer)
    escrow.withdraw(ALL, sender=deployer)
    assert escrow.token.balance_nano(deployment.address) == 0
    with pytest.raises(InvalidInput, match="there is no escrow at this address"):
        Escrow(stranger).round_state()


@pytest.mark.anvil
def test_deploy_script_never_overwrites_a_record_that_is_alive(world: World) -> None:
    recorded = world.record.read_bytes()
    arguments = ["--account", 0, "--first-pass", 9, "--yes", "--json"]

    refused = world.run("deploy", *arguments)
    world.record = world.folder / "second.json"
    unconfirmed = world.run("deploy", *arguments[:4])
    assert not world.record.exists()
    deployed = world.run("deploy", *arguments)

    assert (refused.code, unconfirmed.code) == (1, 1)
    assert "Deploy? [y/N]" in unconfirmed.out
    assert "its contract is alive on this chain" in refused.document["error"]
    assert (world.folder / "local.json").read_bytes() == recorded
    assert deployed.code == 0, deployed.err
    second, escrow = load_and_check(world.record, world.provider)
    assert second.address == deployed.document["address"] != world.deployment.address
    assert second.lens == deployed.document["lens"] != world.deployment.lens
    assert escrow.round_state().resolved == 8


@pytest.mark.anvil
def test_scripts_refuse_another_chain_with_the_same_id(world: World, tmp_path: Path) -> None:
    """Another anvil has the same chain id, and could have a contract at the same address."""
    inputs = world.write_inputs({})
    with anvil(free_port(), tmp_path / "other") as world.url:
        routed = world.route(inputs)
        (tmp_path / "requests.jsonl").touch()
        paid = world.run("pay", tmp_path / "requests.jsonl", "--json")

    assert (routed.code, paid.code) == (1, 1)
    assert routed.document["kind"] == paid.document["kind"] == "ChainMismatch"
    assert "this is another chain with the same id" in routed.err
