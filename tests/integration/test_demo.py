"""The demonstration: a sample through the contract, and checks that find what is wrong."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from scripts import demo as script
from sluice import sample
from sluice.demo import LARGEST_DIFFERENCE_NANO, Checks, Replay, open_chain, prepare, report, run
from sluice.demo.bill import Payer
from sluice.errors import InvalidInput
from sluice.history import Kind as StepKind
from sluice.history import Step, compounded
from sluice.inputs import read_rounds
from sluice.ledger import Ledger
from sluice.local_chain import AnvilChain, ChainFailure, LocalChain, Transaction
from sluice.manifest import read_manifest, recompute
from sluice.paying import Kind
from sluice.presets import Preset
from sluice.registry import load_registry
from sluice.words import POOL, SPLIT_PLACE

APE = str(Path(sys.executable).with_name("ape"))
ROOT = Path(__file__).resolve().parent.parent.parent
NMR = 10**9
CHAINS = [
    pytest.param(False, id="anvil", marks=pytest.mark.anvil),
    pytest.param(True, id="in-process"),
]


def write_sample(path: Path, accounts: int = 24, rounds: int = 6) -> Path:
    path.write_bytes(sample.csv_bytes(sample.generate(3, accounts, rounds)))
    return path


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [APE, "run", "demo", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.fixture(scope="module", params=CHAINS)
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A small sample, replayed; the chain still runs."""
    folder = tmp_path_factory.mktemp("demo")
    recording = prepare(read_rounds(write_sample(folder / "sample.csv")))
    with open_chain(recording, request.param) as chain:
        replay = Replay(chain, recording, folder)
        run(replay)
        yield replay


@pytest.fixture
def fresh(replayed: Replay) -> Iterator[Replay]:
    """The replay with checks that have found nothing yet; what a test changes in the ledger is
    put back."""
    found, accounts = replayed.checks, dict(replayed.ledger.accounts)
    replayed.checks = Checks()
    yield replayed
    replayed.checks, replayed.ledger.accounts = found, accounts


def test_the_sample_passes_all_checks(replayed: Replay) -> None:
    checks = replayed.checks
    assert checks.passed, checks.failures()
    assert checks.failures() == []
    history = replayed.history
    alone = sum(
        1
        for number in range(history.first_round, history.last_round + 1)
        for _ in compounded(history, number)
    )
    assert checks.model_rounds == alone > 0
    # the sample's amounts are whole nanos, so nothing is lost in doubles
    assert checks.max_difference_nano == 0
    assert [result.round_number for result in replayed.results] == list(range(401, 407))
    for result in replayed.results:
        assert result.transactions >= 2
        assert result.gas > 21_000 * result.transactions
        assert result.at_stake_nano > 0


def test_each_pass_leaves_a_manifest_of_what_was_announced(replayed: Replay) -> None:
    """N5: anybody can recompute a round from its published file."""
    for number in replayed.history.passes:
        path = replayed.folder / "manifests" / f"round_{number}.json"
        manifest = read_manifest(path)
        assert manifest.contract == replayed.deployment.address
        assert manifest.round_number == number


def test_the_audit_rebuilds_the_replay_where_there_is_a_node(fresh: Replay) -> None:
    """S41, N7: every manifest recomputed, every word rebuilt from events alone."""
    fresh.audit()
    checks = fresh.checks
    assert checks.passed
    if not isinstance(fresh.chain, AnvilChain):
        assert checks.audit is None
        assert report.check_lines(checks)[-1] == "audit: not made (it reads a node: use anvil)"
        return
    assert checks.audit is True
    assert checks.audited is not None
    assert checks.audited > 100
    (path, *_) = sorted((fresh.folder / "manifests").glob("*.json"))
    whole = path.read_text()
    path.write_text(whole.replace('"minimum_stake_nano": 0', '"minimum_stake_nano": "x"'))
    try:
        fresh.audit()
    finally:
        path.write_text(whole)
    assert checks.audit is False
    assert not checks.passed
    assert checks.failures()[0].startswith(f"audit: manifest {path.name}: content is")


def test_one_nano_in_the_ledger_is_found_by_two_checks(fresh: Replay) -> None:
    account = max(fresh.ledger.accounts, key=lambda a: fresh.ledger.accounts[a].staked_nano)
    held = fresh.ledger.accounts[account]
    fresh.ledger.accounts = {
        **fresh.ledger.accounts,
        account: replace(held, pool_nano=held.pool_nano + 1),
    }
    fresh.check(fresh.words())
    assert not fresh.checks.chain_equals_ledger
    assert not fresh.checks.conservation
    assert any(f"word 0 of {account}" in line for line in fresh.checks.failures())


def test_an_account_that_only_the_ledger_has_is_found(fresh: Replay) -> None:
    account = next(a for a, held in fresh.ledger.accounts.items() if held.staked_nano)
    words = fresh.words()
    del words[account]
    fresh.check(words)
    assert not fresh.checks.chain_equals_ledger
    assert not fresh.checks.conservation


def test_a_split_or_what_is_due_off_the_chain_is_found(fresh: Replay) -> None:
    """Every word of the guests is compared, those of splits and of what is due too."""
    guest = next(g for g in fresh.guests if g.preset is Preset.PASSIVE_INCOME)
    held = fresh.ledger.accounts[guest.account]
    fresh.ledger.accounts = {
        **fresh.ledger.accounts,
        guest.account: replace(held, splits={**held.splits, 5: ((POOL, 10_000),)}),
    }
    fresh.check(fresh.words())
    wrong = f"word {SPLIT_PLACE + 5} of {guest.account}"
    assert [line for line in fresh.checks.word_differences if wrong in line]

    fresh.checks = Checks()
    fresh.ledger.accounts = {
        **fresh.ledger.accounts,
        guest.account: replace(held, due_nano=held.due_nano + 1),
    }
    fresh.check(fresh.words())
    wrong = f"word {SPLIT_PLACE} of {guest.account}"
    assert [line for line in fresh.checks.word_differences if wrong in line]


def test_guests_live_without_gas(replayed: Replay) -> None:
    """N12: splits, changes and withdrawals by signature alone, each paid by who sends it."""
    lines = {(line.payer, line.call): line for line in replayed.bill.lines()}
    assert lines[Payer.GUESTS, "sign"].transactions == 0
    assert lines[Payer.GUESTS, "sign"].gas == 0
    changes = lines[Payer.RELAYER, "relay"].carried
    requests = sum(
        item.kind is Kind.REQUEST
        for fortnight in replayed.gasless.fortnights
        for item in fortnight.items
    )
    assert lines[Payer.GUESTS, "sign"].carried == changes + requests
    assert changes > len(replayed.guests), "some moved stake after their first instruction"
    standings = {standing.guest.name: standing for standing in replayed.gasless.standings()}
    nonces = sum(replayed.ledger.account(guest.account).nonce for guest in replayed.guests)
    assert nonces == changes
    for guest in replayed.guests:
        paid_nano = standings[guest.name].paid_nano
        wallet_nano = replayed.escrow.token.balance_nano(guest.signer.address)
        assert wallet_nano == paid_nano
        takes_out = guest.preset in (Preset.TAKE_PROFIT, Preset.PASSIVE_INCOME)
        assert bool(paid_nano) is takes_out


def test_one_batch_pays_signed_requests_and_what_is_due(replayed: Replay) -> None:
    fortnight = report.fullest(replayed.gasless.fortnights)
    assert fortnight
    kinds = [item.kind for item in fortnight.items]
    assert kinds == sorted(kinds, key=[Kind.REQUEST, Kind.DUE].index)
    assert set(kinds) == {Kind.REQUEST, Kind.DUE}
    periods = [each.period for each in replayed.gasless.fortnights]
    assert periods == sorted(set(periods))


def test_a_guest_with_a_transaction_or_ether_is_found(fresh: Replay) -> None:
    fresh.check_guests()
    assert fresh.checks.gas_free
    guest = fresh.guests[0]
    owner = fresh.deployment.roles.owner
    fresh.chain.send([Transaction(owner, guest.signer.address, b"", 21_000, "transfer", 1)])
    fresh.check_guests()
    assert not fresh.checks.passed
    assert f"gas_free: {guest.name} sent 0 transactions and holds 1 wei" in fresh.checks.failures()


def test_a_round_can_be_recomputed_from_its_file(replayed: Replay) -> None:
    """N5: the guests' rows are in the file that the manifest names."""
    registry = load_registry(replayed.folder / "registry.csv")
    for number in range(replayed.history.first_round, replayed.history.last_round + 1):
        manifest = read_manifest(replayed.folder / "manifests" / f"round_{number}.json")
        table = read_rounds(replayed.folder / "rounds" / f"round_{number}.csv")
        staked_nano = {entry.account: 1 for link in manifest.links for entry in link}
        assert recompute(manifest, table, registry, staked_nano) == manifest.digest


def test_one_nano_of_the_reserve_is_found(fresh: Replay) -> None:
    fresh.ledger.reserve_nano += 1
    fresh.check(fresh.words())
    assert fresh.checks.chain_equals_ledger
    assert not fresh.checks.conservation
    fresh.ledger.reserve_nano -= 1


@pytest.mark.parametrize(
    ("planted_nano", "passes"),
    [(1, True), (LARGEST_DIFFERENCE_NANO, True), (LARGEST_DIFFERENCE_NANO + 1, False)],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_compounded_stake_off_its_record_is_found(
    fresh: Replay, planted_nano: int, passes: bool, sign: int
) -> None:
    """One nano shows in the largest difference; more than 0.00001 NMR fails."""
    opened = fresh.history.last_round
    as_recorded = Ledger(fresh.parameters)
    for account, models in fresh.history.stakes_nano[opened].items():
        as_recorded.deposit_and_stake(account, sum(models.values()), dict(sorted(models.items())))
    planted = [at for at in compounded(fresh.history, opened) if fresh.history.stake(at) > NMR][-1]
    as_recorded.accounts[planted.account].stakes_nano[planted.model] += sign * planted_nano
    words = {account: as_recorded.words(account) for account in fresh.history.accounts}

    fresh.checks.compare_compounded(fresh.history, opened, words)
    assert fresh.checks.max_difference_nano == planted_nano
    assert fresh.checks.worst == planted
    assert fresh.checks.compounding is passes
    assert bool(fresh.checks.failures()) is not passes


def test_a_compounded_stake_that_was_set_from_the_file_is_found(fresh: Replay) -> None:
    opened = fresh.history.last_round
    at = next(iter(compounded(fresh.history, opened)))
    honest = Step(at.account, StepKind.DEPOSIT, 1)
    fresh.checks.look_for_set_stakes(fresh.history, opened, [honest])
    assert fresh.checks.compounding
    cheat = Step(at.account, StepKind.SET_STAKES, 0, {at.model: fresh.history.stake(at)})
    fresh.checks.look_for_set_stakes(fresh.history, opened, [honest, cheat])
    assert fresh.checks.set_from_data == [at]
    assert not fresh.checks.passed
    assert "was set for round" in fresh.checks.failures()[0]


def test_a_transaction_that_fails_stops_the_replay(replayed: Replay) -> None:
    """It says which one, and why."""
    chain: LocalChain = replayed.chain
    stranger = replayed.history.accounts[0]
    data = bytes.fromhex("0e2fa3c5")
    bad = Transaction(stranger, replayed.escrow.address, data, 100_000, "nonsense")
    with pytest.raises(ChainFailure, match=rf"nonsense of {stranger} failed"):
        chain.send([bad])


@pytest.mark.anvil
def test_a_batch_dearer_than_expected_is_sent_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round still ends, in more transactions; a single link always fits."""
    recording = prepare(read_rounds(write_sample(tmp_path / "sample.csv", rounds=1)))
    monkeypatch.setattr("sluice.rounds.MAX_LINK_WORDS", 17)
    monkeypatch.setattr("sluice.escrow.Escrow.fits", lambda *_: False)
    with open_chain(recording, in_process=False) as chain:
        replay = Replay(chain, recording, tmp_path)
        assert run(replay).passed
    manifest = read_manifest(tmp_path / "manifests" / "round_401.json")
    assert len(manifest.links) > 1
    assert replay.results[0].transactions == 1 + len(manifest.links)


@pytest.mark.anvil
def test_json_is_one_document_on_stdout(tmp_path: Path) -> None:
    rounds_file = write_sample(tmp_path / "rounds.csv")
    done = demo("--rounds", str(rounds_file), "--json", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert list(document) == ["rounds", "checks", "guests", "fortnights", "gas"]
    assert list(document["rounds"][0]) == [
        "round", "accounts", "models", "at_stake", "earned", "burned", "gas", "gas_per_account",
        "transactions", "seconds",
    ]  # fmt: skip
    checks = document["checks"]
    assert list(checks) == [
        "chain_equals_ledger", "conservation", "compounding", "gas_free", "audit",
    ]  # fmt: skip
    assert checks["chain_equals_ledger"] is True
    assert checks["conservation"] is True
    assert checks["compounding"]["model_rounds"] > 0
    assert checks["compounding"]["max_difference_nmr"] == 0.0
    assert checks["gas_free"] is True
    assert checks["audit"] is True
    assert {guest["preset"] for guest in document["guests"]} == set(Preset)
    kinds = {item["kind"] for each in document["fortnights"] for item in each["items"]}
    assert kinds == {"request", "due"}
    gas = {(line["payer"], line["call"]): line for line in document["gas"]}
    assert gas["guests", "sign"]["transactions"] == gas["guests", "sign"]["gas"] == 0
    assert gas["relayer", "relay"]["gas"] > 21_000
    for name in ("stake", "pool", "at_risk"):
        picture = tmp_path / "out" / "demo" / f"{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_failed_check_is_told_and_ends_with_code_1(
    fresh: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.checks.balance_differences.append("the escrow holds 1, its pools are 2")
    monkeypatch.setattr(script, "_replay", lambda *_: (fresh, []))
    monkeypatch.setattr(script.signal, "signal", lambda *_: None)
    ended = CliRunner(mix_stderr=False).invoke(script.cli, ["--json"])
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["checks"]["conservation"] is False
    assert "conservation: the escrow holds 1, its pools are 2" in ended.stderr


@pytest.mark.anvil
def test_unresolved_rounds_are_left_out_and_said_so(tmp_path: Path) -> None:
    frame = sample.generate(3, 24, 6).with_columns(resolved=pl.col("round") < 405)
    rounds_file = tmp_path / "rounds.csv"
    rounds_file.write_bytes(sample.csv_bytes(frame))
    done = demo("--rounds", str(rounds_file), "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "Left out: rounds 405 to 406" in done.stderr
    assert "Left out: rounds 405 to 406" in done.stdout
    assert "404" in done.stdout


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    rounds_file = tmp_path / "rounds.csv"
    rounds_file.write_text("round,account,model,payout\n7,dew,dew,nan\n")
    done = demo("--rounds", str(rounds_file), "--json", "--output", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "rounds.csv, row 2: payout is nan" in done.stderr


def test_in_process_an_address_without_a_key_is_refused(tmp_path: Path) -> None:
    address = f"0x{0x11:040x}"
    rounds_file = tmp_path / "rounds.csv"
    rounds_file.write_text(f"round,account,model,stake,payout\n11,{address},dew,1,0.1\n")
    recording = prepare(read_rounds(rounds_file))
    with (
        open_chain(recording, in_process=True) as chain,
        pytest.raises(InvalidInput, match="whose key nobody has here: install anvil"),
    ):
        run(Replay(chain, recording, tmp_path))


def test_the_document_has_exact_amounts() -> None:
    checks = Checks(model_rounds=3, max_difference_nano=6)
    document = report.document([], checks)
    assert document["checks"]["compounding"] == {"model_rounds": 3, "max_difference_nmr": 6e-9}
