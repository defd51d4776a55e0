"""The manifest of a round: all that anybody needs to recompute the digest that was announced, in
one canonical file.

It holds contract, chain, round, block, the deployment's parameters, the hashes of the inputs,
the minimum stake, the links entry by entry, the digest, and the commit of the tooling. From the
file alone `verify` recomputes the digest; with the published inputs, the stakes at its block and
the moves to other addresses up to `moves_block` `recompute` makes the links anew. A round announced
again for what is left of it has a manifest of the links that are left, which says how many of the
round were applied before.
"""

import json
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sluice.errors import InvalidInput
from sluice.files import write_atomically
from sluice.inputs import RoundTable, as_address
from sluice.moves import NO_MOVES, Moves, Passed
from sluice.parameters import Parameters
from sluice.registry import Registry
from sluice.rounds import Link, entries, payouts
from sluice.rounds import links as cut
from sluice.words import MAX_LINK_WORDS, WORD_BYTES, Entry, digest_chain, link_bytes


@dataclass(frozen=True, slots=True)
class InputFile:
    """A published input: the file's name without its folder, and the SHA-256 of its bytes in
    hexadecimal (of the registry: of its canonical text)."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One announcement. `contract` is a checksum address, `block` the number of the block at
    which stakes count, `links` the announced entries link by link in the order of the chain,
    `links_applied` how many links of the round came before them, `digest` 32 bytes in hexadecimal
    with 0x, `moves_block` the block up to which accounts that moved stand at their new address, if
    that is a later one."""

    contract: str
    chain_id: int
    round_number: int
    block: int
    parameters: Parameters
    table: InputFile
    registry: InputFile
    minimum_stake_nano: int
    links: tuple[tuple[Entry, ...], ...]
    links_applied: int
    digest: str
    tooling: str
    moves_block: int = 0

    @property
    def followed_to(self) -> int:
        """The block up to which moves are followed."""
        return max(self.block, self.moves_block)

    @property
    def accounts(self) -> list[str]:
        """Who is in it, in its order."""
        return [entry.account for link in self.links for entry in link]

    def overtaken_by(self, moves: Moves) -> str | None:
        """That another account is at one of its addresses than when it was made, because of moves
        until it was announced; None if it is not so."""
        if not moves.after(self.followed_to).touch(self.accounts):
            return None
        return (
            "an account moved to or from an address of the manifest between its block "
            f"{self.followed_to} and the announcement"
        )

    def link_bytes(self) -> list[bytes]:
        """The links as the contract takes them."""
        return [link_bytes(link) for link in self.links]

    def digests(self) -> list[bytes]:
        """The digests d_0..d_n: the announced one, then what is left after each link; the last
        one is zero."""
        return digest_chain(self.link_bytes())


ANNOUNCE_AGAIN = "have it announced again, which `ape run route` does by itself, or veto it"
"""What to do about a round that is announced and was overtaken by a move."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a round is announced: checksum address, chain id, and the parameters the contract
    was made with."""

    contract: str
    chain_id: int
    parameters: Parameters


_ADAPTER = TypeAdapter(Manifest)


def build(
    target: Target,
    table: RoundTable,
    registry: Registry,
    round_number: int,
    block: int,
    links: Iterable[Sequence[Entry]],
    minimum_stake_nano: int,
    tooling: str,
    links_applied: int = 0,
    moves_block: int = 0,
) -> Manifest:
    """The manifest of a round whose links are made; `tooling` is what `tooling_commit` says,
    passed in to keep this pure. Raises InvalidInput as `verify`."""
    kept = tuple(tuple(link) for link in links)
    manifest = Manifest(
        contract=target.contract,
        chain_id=target.chain_id,
        round_number=round_number,
        block=block,
        parameters=target.parameters,
        table=InputFile(table.source, table.sha256),
        registry=InputFile(registry.source, registry.sha256),
        minimum_stake_nano=minimum_stake_nano,
        links=kept,
        links_applied=links_applied,
        digest=digest_of(kept),
        tooling=tooling,
        moves_block=moves_block,
    )
    verify(manifest)
    return manifest


def digest_of(links: Iterable[Sequence[Entry]]) -> str:
    """The digest to announce for these links, 0x and 64 hexadecimal digits."""
    return "0x" + digest_chain([link_bytes(link) for link in links])[0].hex()


def verify(manifest: Manifest) -> None:
    """Checks that the links are ones the contract takes and that their digest is the manifest's;
    else InvalidInput."""
    about = f"manifest of round {manifest.round_number}"
    if as_address(manifest.contract) is None:
        raise InvalidInput(
            f"{about}: contract {manifest.contract} is no address: get the manifest from its "
            "publisher"
        )
    if not manifest.links:
        raise InvalidInput(f"{about}: it has no link: a round without entries is one empty link")
    for number, link in enumerate(manifest.links):
        words = len(link_bytes(link)) // WORD_BYTES
        if words > MAX_LINK_WORDS:
            raise InvalidInput(
                f"{about}: link {number} has {words} words, at most {MAX_LINK_WORDS} go: cut "
                "it smaller"
            )
    seen: set[int] = set()
    for entry in chain.from_iterable(manifest.links):
        if int(entry.account, 16) in seen:
            raise InvalidInput(
                f"{about}: account {entry.account} is in it twice: join its two entries"
            )
        seen.add(int(entry.account, 16))
    digest = digest_of(manifest.links)
    if digest != manifest.digest:
        raise InvalidInput(
            f"{about}: its links have the digest {digest}, it says {manifest.digest}: do not "
            "resolve it; get the manifest again, and if it stays so tell operator and owner before "
            "the window ends"
        )


def recompute(
    manifest: Manifest,
    table: RoundTable,
    registry: Registry,
    staked_nano: Mapping[str, int],
    moves: Moves = NO_MOVES,
    done: Collection[str] = (),
    passed: Iterable[Passed] = (),
) -> str:
    """Makes the whole round anew from its published inputs, the accounts' stakes (nano-NMR by
    address) at the manifest's block and the deployment's moves, and returns the digest of the links
    that the manifest has. For a round that was announced again and cut anew: `done`, at which
    addresses are accounts that are in this pass already at the block `followed_to`, and `passed`,
    whose entries were applied until now, where and when.

    A first announcement has all of them: whoever checks one sees to it that `links_applied` is what
    the chain has applied.

    Raises InvalidInput if the table is not the one that the manifest names, or if the round
    comes out otherwise, naming the first account that differs. The registry may have grown
    since: what it holds never changes."""
    if table.sha256 != manifest.table.sha256:
        raise InvalidInput(
            f"{table.source} has the SHA-256 {table.sha256}, round {manifest.round_number} "
            "was made from "
            f"{manifest.table.name} with {manifest.table.sha256}: use that file"
        )
    known = moves.until(manifest.followed_to)
    applied = [each for each in passed if each.block <= manifest.followed_to]
    listed = entries(
        known.payouts(payouts(table, registry, manifest.round_number), done, applied),
        known.after(manifest.block).staked(staked_nano, done, applied),
        manifest.minimum_stake_nano,
    )
    made = _left(manifest, listed, done, bool(applied))
    digest = digest_of(made)
    if not made or digest != manifest.digest:
        difference = _difference(
            list(chain.from_iterable(manifest.links)), list(chain.from_iterable(made))
        )
        raise InvalidInput(
            f"round {manifest.round_number} comes out with the digest {digest}, the manifest says "
            f"{manifest.digest}: {difference}: if file, registry and block are right, tell "
            "operator and owner before the window ends"
        )
    return digest


def manifest_text(manifest: Manifest) -> str:
    """The manifest as canonical JSON: keys sorted, one space of indent, no other choice left to
    the writer."""
    document = _ADAPTER.dump_python(manifest, mode="json")
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Verifies the manifest and writes its file, whole or not at all."""
    verify(manifest)
    write_atomically(path, manifest_text(manifest).encode())


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest and verifies it; InvalidInput, naming the file, if it is not a whole one
    or its digest is not its links'."""
    try:
        manifest = _ADAPTER.validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}: name a manifest file") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(
            f"{path.name}: {where}: {first['msg']}: get the manifest again from its publisher"
        ) from error
    try:
        verify(manifest)
    except ValueError as error:
        raise InvalidInput(f"{path.name}: {error}") from error
    return manifest


def tooling_commit() -> str:
    """The commit that this package stands at, "-dirty" added if files differ from it; outside
    git its version."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        # An installed copy may lie in somebody else's repository, whose commit would say nothing.
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", here.name], check=True, capture_output=True
        )
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            check=True,
            capture_output=True,
            text=True,
        )
        return described.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    try:
        return f"sluice {version('sluice')}"
    except PackageNotFoundError:
        return "sluice, of unknown version"


def _left(
    manifest: Manifest, listed: Sequence[Entry], done: Collection[str], begun: bool
) -> list[Link]:
    """The links that are left of a round of these entries: the tail of the whole one where it holds
    exactly those that are not done, else those cut by themselves."""
    tail = cut(listed)[manifest.links_applied :]
    if not (done or begun):
        return tail
    left = [entry for entry in listed if entry.account not in done]
    return tail if tail and list(chain.from_iterable(tail)) == left else cut(left)


def _difference(announced: Sequence[Entry], made: Sequence[Entry]) -> str:
    there = {entry.account: dict(entry.payouts_nano) for entry in announced}
    here = {entry.account: dict(entry.payouts_nano) for entry in made}
    for account in sorted(there.keys() | here.keys(), key=lambda a: int(a, 16)):
        if account not in here:
            return f"account {account} is only in the manifest"
        if account not in there:
            return f"account {account} is missing in the manifest"
        if there[account] != here[account]:
            return (
                f"account {account} has the payouts {there[account]} there and {here[account]} here"
            )
    return "the same entries are cut or ordered otherwise"
