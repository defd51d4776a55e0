"""The registry: names, addresses, and numbers of models that never change."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.inputs import RoundTable, Row
from sluice.registry import (
    Registry,
    extend,
    load_registry,
    registry_text,
    save_registry,
    with_accounts,
)

DEW = "0x" + "00" * 19 + "D1"
FOG = "0x" + "00" * 19 + "F0"
STRANGER = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"
NAMED = with_accounts(Registry(), {"dew": DEW, "fog": FOG.lower()})


def table(*keys: tuple[int, str, str]) -> RoundTable:
    rows = [Row(number, *key, 0) for number, key in enumerate(keys, start=2)]
    rounds = sorted({row.round_number for row in rows})
    held = {r: tuple(row for row in rows if row.round_number == r) for r in rounds}
    return RoundTable("rounds.csv", "", held)


def test_numbers_models_by_round_then_name(tmp_path: Path) -> None:
    """S52: a model's number and label stay its own."""
    rounds = table((2, "dew", "a"), (1, "dew", "c"), (1, "dew", "b"), (1, "fog", "z"))
    registry = extend(NAMED, rounds)

    assert registry.numbers == {DEW: {"b": 0, "c": 1, "a": 2}, registry.addresses["fog"]: {"z": 0}}
    assert registry.models(DEW) == {0: "b", 1: "c", 2: "a"}


keys = st.tuples(st.integers(1, 4), st.sampled_from(["dew", "fog"]), st.sampled_from("abcdefgh"))


@given(st.lists(keys, min_size=1, unique=True))
def test_one_long_file_and_its_rounds_one_by_one_agree(rows: list[tuple[int, str, str]]) -> None:
    """S52: numbers given once stay, whatever comes later."""
    rounds = table(*rows)
    registry = NAMED
    for last_round in range(1, 5):
        before = registry
        registry = extend(registry, rounds, last_round)
        for address, models in before.numbers.items():
            assert registry.numbers[address].items() >= models.items()

    assert registry == extend(NAMED, rounds)


def test_an_address_needs_no_name() -> None:
    rounds = table((1, STRANGER, "m"))
    registry = extend(Registry(), rounds)

    assert registry.addresses == {STRANGER: STRANGER}
    assert registry.number(rounds.rows(1)[0], rounds) == 0


def test_a_named_account_may_be_written_by_its_address() -> None:
    registry = extend(NAMED, table((1, "dew", "a"), (2, DEW, "b")))

    assert registry.numbers == {DEW: {"a": 0, "b": 1}}
    assert registry.addresses == NAMED.addresses


def test_refuses_an_unknown_account() -> None:
    with pytest.raises(InvalidInput, match=r"^rounds.csv, row 2: account mist is unknown; add it"):
        extend(NAMED, table((1, "mist", "a")))


def test_refuses_a_model_without_number() -> None:
    rounds = table((1, "dew", "a"))

    with pytest.raises(InvalidInput, match=r"row 2: model a of account dew has no number; extend"):
        NAMED.number(rounds.rows(1)[0], rounds)


def test_refuses_the_66th_model() -> None:
    """S50: 65 models an account."""
    rows = [(1, "dew", f"m{i:02d}") for i in range(65)]
    registry = extend(NAMED, table(*rows))

    assert registry.numbers[DEW]["m64"] == 64
    with pytest.raises(InvalidInput, match=r"row 67: model more would be number 65 .*; stake it"):
        extend(NAMED, table(*rows, (2, "dew", "more")))
    assert extend(registry, table(*rows)) == registry


@pytest.mark.parametrize(
    ("account", "address", "message"),
    [
        ("mist", "0x12", "0x12 is no address: write 0x and 40"),
        ("mist", "0x" + "00" * 20, "is no address"),
        ("", STRANGER, "account is empty: write"),
        ("dew", STRANGER, f"account dew has the address {DEW} already: keep"),
        ("mist", DEW, f"address {DEW} is account dew already: keep one name"),
        (DEW, STRANGER, "has another address"),
    ],
)
def test_refuses_accounts_that_contradict(account: str, address: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        with_accounts(NAMED, {account: address})


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "registry.csv"
    registry = extend(
        NAMED, table((1, "dew", "b, with a comma"), (1, "dew", "a"), (2, STRANGER, "m"))
    )
    save_registry(registry, path)

    assert load_registry(path) == registry
    assert load_registry(path).sha256 == registry.sha256
    assert [p.name for p in path.parent.iterdir()] == ["registry.csv"]
    assert registry_text(registry).splitlines() == [
        "account,address,model,number",
        f"{STRANGER},{STRANGER},m,0",
        f"dew,{DEW},a,0",
        f'dew,{DEW},"b, with a comma",1',
        f"fog,{registry.addresses['fog']},,",
    ]


def test_a_save_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "registry.csv"
    save_registry(NAMED, path)

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_registry(extend(NAMED, table((1, "dew", "a"))), path)

    assert load_registry(path) == NAMED
    assert [p.name for p in tmp_path.iterdir()] == ["registry.csv"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"dew,{DEW},a,65"], r"registry.csv, row 2: number of model a is 65: write 0 to 64"),
        ([f"dew,{DEW},a,"], r"row 2: number of model a is empty: write 0 to 64"),
        ([f"dew,{DEW},,3"], r"row 2: number 3 has no model: write its name"),
        ([f"dew,{DEW},a,0", f"dew,{DEW},a,1"], r"row 3: model a has number 0 already: keep one"),
        ([f"dew,{DEW},a,0", f"dew,{DEW},b,0"], r"row 3: number 0 belongs to another model"),
        ([f"dew,{DEW},a,0", f"dew,{STRANGER},b,1"], r"row 3: account dew has the address"),
        ([f"dew,{DEW},a,0", f"fog,{DEW},b,1"], r"row 3: address .* is account dew already"),
        (["dew,,a,0"], r"row 2: an empty field is no address: write"),
    ],
)
def test_load_refuses(tmp_path: Path, rows: list[str], message: str) -> None:
    path = tmp_path / "registry.csv"
    path.write_text("\n".join(["account,address,model,number", *rows]) + "\n")

    with pytest.raises(InvalidInput, match=message):
        load_registry(path)


def test_load_refuses_a_missing_column(tmp_path: Path) -> None:
    path = tmp_path / "registry.csv"
    path.write_text("account,model,number\n")

    with pytest.raises(InvalidInput, match=r"registry.csv, row 1: no column address; add it"):
        load_registry(path)
