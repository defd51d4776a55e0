"""The published manifests held against what was announced."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sluice.audit.findings import Check, Finding
from sluice.audit.journal import Announcement, End
from sluice.deployment import Deployment
from sluice.errors import InvalidInput
from sluice.manifest import ANNOUNCE_AGAIN, Manifest, read_manifest
from sluice.moves import Moves


@dataclass(frozen=True, slots=True)
class Published:
    """What a manifest file comes to: its digest is recomputed from its links. `sha256` is that of
    the file, by which it is known again."""

    sha256: str
    contract: str
    chain_id: int
    round_number: int
    links_applied: int
    links: int
    digest: str
    followed_to: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no whole manifest, or whose links have another digest than it says."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The announcements that have their manifest, with the name of its file; the rounds of those
    whose manifest is missing; and what is wrong."""

    recomputed: tuple[tuple[Announcement, str, Published], ...]
    missing: tuple[int, ...]
    findings: tuple[Finding, ...]


def read_folder(
    folder: Path, known: Mapping[str, Published], deployment: Deployment
) -> Iterator[tuple[str, Published | Broken]]:
    """The name and outcome of each manifest file of a folder; one that is in `known`, by the
    SHA-256 of its bytes, was recomputed before and is not again. InvalidInput if there is no such
    folder."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder}: there is no such folder: name the one of the manifests")
    for path in sorted(folder.glob("*.json")):
        digest = sha256(path.read_bytes()).hexdigest()
        if digest in known:
            yield path.name, known[digest]
            continue
        try:
            manifest = read_manifest(path)
            _check_parameters(manifest, deployment)
        except InvalidInput as error:
            yield path.name, Broken(path.name, str(error))
        else:
            yield (
                path.name,
                Published(
                    digest,
                    manifest.contract,
                    manifest.chain_id,
                    manifest.round_number,
                    manifest.links_applied,
                    len(manifest.links),
                    manifest.digest,
                    manifest.followed_to,
                ),
            )


def compare(
    announcements: Sequence[Announcement],
    files: Iterable[tuple[str, Published | Broken]],
    deployment: Deployment,
) -> Compared:
    """Holds every announcement against the manifests of its round. One that has none is missing,
    which is no fault of the chain's; a round that was resolved, while its manifests say something
    else, is."""
    by_round: dict[int, list[tuple[str, Published]]] = {}
    findings = []
    for name, outcome in files:
        if isinstance(outcome, Broken):
            findings.append(
                Finding(Check.MANIFESTS, f"manifest {name}", "content", outcome.reason, "whole")
            )
        elif (outcome.contract, outcome.chain_id) == (deployment.address, deployment.chain_id):
            by_round.setdefault(outcome.round_number, []).append((name, outcome))

    recomputed = []
    missing = []
    for announced in announcements:
        digest = "0x" + announced.digest.hex()
        given = by_round.get(announced.round_number, [])
        matching = [(name, each) for name, each in given if each.digest == digest]
        if matching:
            recomputed.append((announced, *matching[0]))
            findings += _about(announced, *matching[0])
            continue
        missing.append(announced.round_number)
        if given and announced.end in (End.RESOLVED, End.OPEN):
            name, other = given[-1]
            findings.append(
                Finding(
                    Check.MANIFESTS,
                    f"round {announced.round_number}",
                    f"digest of manifest {name}",
                    other.digest,
                    digest,
                    where=f"announced in block {announced.block}",
                )
            )
    return Compared(tuple(recomputed), tuple(missing), tuple(findings))


def overtaken(compared: Compared, folder: Path, moves: Moves) -> Iterator[str]:
    """What to say of each announcement of links for addresses at which other accounts were by then
    than when its manifest was made. One that ended before any of its links was applied did no
    harm."""
    for announced, name, published in compared.recomputed:
        before = moves.until(announced.block)
        harmless = announced.end in (End.REPLACED, End.VETOED) and announced.links == 0
        if harmless or not before.after(published.followed_to).made:
            continue
        why = read_manifest(folder / name).overtaken_by(before)
        if why is None:
            continue
        advice = ANNOUNCE_AGAIN
        if announced.end is not End.OPEN:
            advice = "the entries of these addresses were not for the accounts that its inputs name"
        yield f"round {announced.round_number}, manifest {name}: {why}: {advice}"


def _about(announced: Announcement, name: str, given: Published) -> Iterator[Finding]:
    """A manifest of the announced digest that says something else about it."""
    pairs = [("links applied before", given.links_applied, announced.links_before)]
    if announced.end is End.RESOLVED:
        pairs.append(("links", given.links, announced.links))
    for field, found, wanted in pairs:
        if found != wanted:
            yield Finding(Check.MANIFESTS, f"manifest {name}", field, found, wanted)


def _check_parameters(manifest: Manifest, deployment: Deployment) -> None:
    mine = (deployment.address, deployment.chain_id)
    if (manifest.contract, manifest.chain_id) == mine and (
        manifest.parameters != deployment.parameters
    ):
        raise InvalidInput(
            f"it names the parameters {manifest.parameters}, the deployment has "
            f"{deployment.parameters}"
        )
