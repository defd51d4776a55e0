"""The manifest: written, read, and recomputed by anybody."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sluice import manifest as manifest_module
from sluice.errors import InvalidInput
from sluice.inputs import RoundTable, read_rounds
from sluice.manifest import (
    Manifest,
    Target,
    build,
    digest_of,
    manifest_text,
    read_manifest,
    recompute,
    tooling_commit,
    verify,
    write_manifest,
)
from sluice.moves import Moved, Moves
from sluice.parameters import Parameters
from sluice.registry import Registry, extend, with_accounts
from sluice.rounds import Link, links_of_round
from sluice.words import Entry, digest_chain, link_bytes

ESCROW = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"
TARGET = Target(ESCROW, 31_337, Parameters(first_pass=1, first_pass_time=2_000, deployed_at=1_000))
STAKER, OTHER_STAKER = f"0x{0x11:040x}", f"0x{0x22:040x}"
STAKED = {STAKER: 10**9, OTHER_STAKER: 5 * 10**9, f"0x{0x33:040x}": 10**6}
MINIMUM_NANO = 2 * 10**6


@pytest.fixture
def table(tmp_path: Path) -> RoundTable:
    path = tmp_path / "rounds.csv"
    path.write_text("round,account,model,payout\n5,dew,a,0.25\n5,dew,b,-0.1\n5,fog,x,1.000000001\n")
    return read_rounds(path)


@pytest.fixture
def registry(table: RoundTable) -> Registry:
    return extend(with_accounts(Registry(), {"dew": STAKER, "fog": OTHER_STAKER}), table)


@pytest.fixture
def links(table: RoundTable, registry: Registry) -> list[Link]:
    """One link of two entries: the third account is below the minimum stake."""
    return links_of_round(table, registry, 5, STAKED, MINIMUM_NANO)


@pytest.fixture
def manifest(table: RoundTable, registry: Registry, links: list[Link]) -> Manifest:
    return build(TARGET, table, registry, 5, 99, links, MINIMUM_NANO, "a commit")


def test_digest_is_that_of_the_chain(manifest: Manifest, links: list[Link]) -> None:
    expected = digest_chain([link_bytes(link) for link in links])

    assert manifest.digests() == expected
    assert manifest.digest == "0x" + expected[0].hex()
    verify(manifest)


def test_written_and_read_it_is_the_same(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "manifests" / "5.json"
    write_manifest(manifest, path)

    assert read_manifest(path) == manifest
    assert path.read_text() == manifest_text(read_manifest(path))


def test_file_holds_what_it_has_to(manifest: Manifest) -> None:
    """N5: contract, chain, round, block, parameters, inputs, minimum, links, digest, commit."""
    document = json.loads(manifest_text(manifest))

    assert document["contract"] == ESCROW
    assert (document["chain_id"], document["round_number"], document["block"]) == (31_337, 5, 99)
    assert document["parameters"]["cap_bps"] == 2_500
    assert document["table"] == {"name": "rounds.csv", "sha256": manifest.table.sha256}
    assert document["registry"]["sha256"] == manifest.registry.sha256
    assert document["minimum_stake_nano"] == MINIMUM_NANO
    assert document["links"] == [
        [
            {"account": STAKER, "payouts_nano": {"0": 250_000_000, "1": -100_000_000}},
            {"account": OTHER_STAKER, "payouts_nano": {"0": 1_000_000_001}},
        ]
    ]
    assert document["links_applied"] == 0
    assert document["tooling"] == "a commit"
    assert list(document) == sorted(document)


def test_anybody_recomputes_it(manifest: Manifest, table: RoundTable, registry: Registry) -> None:
    """N5: the same digest from the published inputs, also with a registry that has grown since."""
    grown = with_accounts(registry, {"mist": f"0x{0x44:040x}"})

    assert recompute(manifest, table, registry, STAKED) == manifest.digest
    assert recompute(manifest, table, grown, STAKED) == manifest.digest


def test_recompute_refuses_another_file(
    manifest: Manifest, table: RoundTable, registry: Registry
) -> None:
    other = replace(table, sha256="00")

    with pytest.raises(InvalidInput, match=r"rounds.csv has the SHA-256 00, round 5 .*: use that"):
        recompute(manifest, other, registry, STAKED)


def test_recompute_names_who_is_missing(
    manifest: Manifest, table: RoundTable, registry: Registry
) -> None:
    third = f"0x{0x33:040x}"
    staked = {**STAKED, third: MINIMUM_NANO}

    with pytest.raises(InvalidInput, match=f"account {third} is missing in the manifest"):
        recompute(manifest, table, registry, staked)


def test_recompute_finds_a_payout_that_was_changed(
    table: RoundTable, registry: Registry, links: list[Link]
) -> None:
    """A dishonest announcement is consistent in itself; only the inputs show it."""
    [[first, second]] = links
    wrong = Entry(second.account, {0: second.payouts_nano[0] + 1})
    forged = build(TARGET, table, registry, 5, 99, [[first, wrong]], MINIMUM_NANO, "")
    left_out = build(TARGET, table, registry, 5, 99, [[second]], MINIMUM_NANO, "")
    added = build(
        TARGET,
        table,
        registry,
        5,
        99,
        [[first, second, Entry(ESCROW, {0: 1})]],
        MINIMUM_NANO,
        "",
    )
    recut = build(TARGET, table, registry, 5, 99, [[first], [second]], MINIMUM_NANO, "")

    for made, difference in (
        (forged, f"account {OTHER_STAKER} has the payouts"),
        (left_out, f"account {STAKER} is missing in the manifest"),
        (added, f"account {ESCROW} is only in the manifest"),
        (recut, "the same entries are cut or ordered otherwise"),
    ):
        with pytest.raises(
            InvalidInput, match=rf"{difference}.*tell operator and owner before the window ends"
        ):
            recompute(made, table, registry, STAKED)


def test_rest_of_a_round_is_recomputed(
    table: RoundTable, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Announced again for what is left: the rest's digest is that of the links not applied yet."""
    whole = links_of_round(table, registry, 5, STAKED, MINIMUM_NANO)
    cut = [[entry] for entry in whole[0]]
    monkeypatch.setattr(manifest_module, "cut", lambda _: cut)
    rest = build(TARGET, table, registry, 5, 99, cut[1:], MINIMUM_NANO, "", links_applied=1)

    assert recompute(rest, table, registry, STAKED) == digest_of(cut[1:])
    for applied in (0, 2):
        with pytest.raises(InvalidInput, match="comes out with the digest"):
            recompute(replace(rest, links_applied=applied), table, registry, STAKED)


def test_a_round_with_accounts_that_moved_is_recomputed(
    table: RoundTable, registry: Registry
) -> None:
    """N5: moves before the block are in its stakes already, later ones are followed to where the
    manifest says; both are followed from what the inputs name."""
    first, second = f"0x{0x44:040x}", f"0x{0x01:040x}"
    moves = Moves((Moved(98, STAKER, first), Moved(120, first, second), Moved(200, second, STAKER)))
    staked = {first: 10**9, OTHER_STAKER: 5 * 10**9, STAKER: 1}
    payouts = {0: 250_000_000, 1: -100_000_000}
    other = Entry(OTHER_STAKER, {0: 1_000_000_001})

    at_once = build(TARGET, table, registry, 5, 99, [[other, Entry(first, payouts)]], 10, "")
    later = build(
        TARGET, table, registry, 5, 99, [[Entry(second, payouts), other]], 10, "", moves_block=150
    )
    rest = build(
        TARGET, table, registry, 5, 99, [[other]], 10, "", links_applied=1, moves_block=150
    )

    for made in (at_once, later):
        assert recompute(made, table, registry, staked, moves) == made.digest
        with pytest.raises(InvalidInput, match="comes out with the digest"):
            recompute(made, table, registry, staked)
    assert recompute(rest, table, registry, staked, moves, [second]) == rest.digest


def test_manifests_from_before_moves_are_still_read(manifest: Manifest, tmp_path: Path) -> None:
    document = json.loads(manifest_text(manifest))
    del document["moves_block"]
    path = tmp_path / "5.json"
    path.write_text(json.dumps(document))

    assert read_manifest(path) == manifest
    assert read_manifest(path).followed_to == manifest.block


def test_empty_round_is_one_empty_link(table: RoundTable, registry: Registry) -> None:
    manifest = build(TARGET, table, registry, 5, 99, [[]], 0, "")

    assert manifest.links == ((),)
    assert len(manifest.digests()) == 2


def test_verify_refuses(manifest: Manifest) -> None:
    ((first, second),) = manifest.links
    too_long = tuple(Entry(f"0x{n:040x}", {}) for n in range(1, 98))

    for changed, message in (
        (replace(manifest, digest="0x" + "00" * 32), "its links have the digest 0x.*: do not"),
        (replace(manifest, links=()), "it has no link: a round without entries"),
        (replace(manifest, links=((first,), (second, first))), "is in it twice: join"),
        (replace(manifest, links=(too_long,)), "link 0 has 97 words, at most 96 go: cut"),
        (replace(manifest, contract="here"), "contract here is no address"),
        (replace(manifest, links=((second,), (first,))), "do not resolve it"),
    ):
        with pytest.raises(InvalidInput, match=rf"^manifest of round 5: .*{message}"):
            verify(changed)


def test_write_refuses_what_does_not_verify(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="its links have the digest"):
        write_manifest(replace(manifest, digest="0x"), tmp_path / "5.json")
    assert list(tmp_path.glob("5*")) == []


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ('"block": 99', '"block": 99.5', "5.json: block: .*: get the manifest again"),
        ('"block": 99', '"block": "99"', "5.json: block: .*: get the manifest again"),
        (' "chain_id": 31337,\n', "", "5.json: chain_id: Field required: get"),
        ("250000000", "250000001", "5.json: manifest of round 5: its links have the digest"),
        ('"0": 250000000', '"65": 250000000', "5.json: model 65 of .*: models are numbered"),
        ('"0": 250000000', '"x": 250000000', "5.json: links.0.0.payouts_nano.x"),
        (STAKER, "dew", "5.json: "),
        ("{", "", "5.json: the file: Invalid JSON"),
    ],
)
def test_read_refuses(
    manifest: Manifest, tmp_path: Path, was: str, becomes: str, message: str
) -> None:
    path = tmp_path / "5.json"
    path.write_text(manifest_text(manifest).replace(was, becomes, 1))

    with pytest.raises(InvalidInput, match=message):
        read_manifest(path)


def test_read_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"No such file.*: name a manifest file"):
        read_manifest(tmp_path / "5.json")


def test_tooling_is_the_commit_where_there_is_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git to be installed")
    package = tmp_path / "sluice" / "manifest.py"
    package.parent.mkdir()
    package.write_text("")
    monkeypatch.setattr(manifest_module, "__file__", str(package))
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]

    outside = tooling_commit()
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    committed = tooling_commit()
    package.write_text("changed")

    assert outside.startswith("sluice")
    assert committed == head.stdout.strip()
    assert tooling_commit() == f"{committed}-dirty"
