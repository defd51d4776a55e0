"""The rounds as the events tell them: what was announced, and whether what was applied is that.

A link's event carries its raw bytes, and a round's chain runs backwards from what is left after it:
zero where the round ended, the digest that a new announcement replaced or a veto took away, or what
is stored now. So each announcement is proved link by link once its end is known
(docs/accounting.md, "The round under way").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from eth_utils.crypto import keccak

from sluice.audit.findings import Check, Finding
from sluice.parameters import Parameters
from sluice.words import NO_DIGEST


class End(StrEnum):
    """How an announcement ended; OPEN: it stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    REPLACED = "replaced"
    VETOED = "vetoed"


@dataclass(slots=True)
class Announcement:
    """One announcement of a round: its digest, and what was applied under it. `links_before`: the
    links of the round that were applied before it; amounts in nano-NMR."""

    round_number: int
    digest: bytes
    announced_at: int
    block: int
    links_before: int = 0
    links: int = 0
    entries: int = 0
    earned_nano: int = 0
    burned_nano: int = 0
    end: End = End.OPEN


@dataclass(slots=True)
class Journal:
    """All announcements, in order. `hashes`: keccak of each link applied under the one that stands;
    `ending`: the round whose last links are being read, None between rounds; `resolved` the last
    round that is done."""

    parameters: Parameters
    resolved: int
    announcements: list[Announcement] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    ending: int | None = None

    @property
    def standing(self) -> Announcement | None:
        """The announcement that stands."""
        last = self.announcements[-1] if self.announcements else None
        return last if last is not None and last.end is End.OPEN else None

    def announce(
        self, round_number: int, replaces: bytes, digest: bytes, time: int, block: int
    ) -> Iterator[Finding]:
        """A new announcement, in place of what it says it replaces."""
        subject = f"round {round_number}"
        if round_number != self.resolved + 1:
            yield Finding(Check.ROUNDS, subject, "announced round", round_number, self.resolved + 1)
        if time < self.parameters.pass_time(round_number):
            earliest = self.parameters.pass_time(round_number)
            yield Finding(Check.ROUNDS, subject, "time of the announcement", time, earliest)
        before = self.standing
        if before is None and replaces != NO_DIGEST:
            yield Finding(Check.ROUNDS, subject, "replaced digest", _hex(replaces), "none")
        yield from self._end(End.REPLACED, replaces)
        links = [a.links for a in self.announcements if a.round_number == round_number]
        self.announcements.append(
            Announcement(round_number, digest, time, block, links_before=sum(links))
        )

    def veto(self, round_number: int, left: bytes) -> Iterator[Finding]:
        """What was left of the round is taken away."""
        standing = self.standing
        if standing is None or standing.round_number != round_number:
            yield Finding(Check.ROUNDS, f"round {round_number}", "vetoed", _hex(left), "none")
        yield from self._end(End.VETOED, left)

    def link(self, round_number: int, link: bytes, time: int) -> Iterator[Finding]:
        """A link was applied; its entries are the caller's business."""
        subject = f"round {round_number}"
        standing = self.standing
        if standing is None or standing.round_number != round_number:
            announced = f"round {standing.round_number}" if standing else "none"
            yield Finding(Check.ROUNDS, subject, "link of a round announced as", subject, announced)
            return
        earliest = standing.announced_at + self.parameters.window_s
        if time < earliest:
            yield Finding(Check.ROUNDS, subject, "time of a link", time, f"{earliest} or later")
        self.hashes.append(keccak(link))
        standing.links += 1

    def resolve(self, round_number: int) -> Iterator[Finding]:
        """The round ends with the links of which the next events tell."""
        if round_number != self.resolved + 1:
            wanted = self.resolved + 1
            yield Finding(
                Check.ROUNDS, f"round {round_number}", "resolved round", round_number, wanted
            )
        self.ending = round_number

    def settle(self) -> Iterator[Finding]:
        """Ends the round that is ending: all of its links have been read."""
        if self.ending is None:
            return
        ended, self.ending = self.ending, None
        standing = self.standing
        if standing is None or standing.round_number != ended:
            yield Finding(Check.ROUNDS, f"round {ended}", "announcement", "none", "one")
        yield from self._end(End.RESOLVED, NO_DIGEST)
        self.resolved = ended

    def left(self, digest: bytes) -> Iterator[Finding]:
        """Holds the digest that is stored now against the announcement that stands."""
        standing = self.standing
        if standing is not None:
            yield from self._proof(standing, digest)

    def _end(self, end: End, left: bytes) -> Iterator[Finding]:
        standing = self.standing
        if standing is None:
            return
        yield from self._proof(standing, left)
        standing.end = end
        self.hashes = []

    def _proof(self, announced: Announcement, left: bytes) -> Iterator[Finding]:
        digest = chain_head(self.hashes, left)
        if digest != announced.digest:
            yield Finding(
                Check.ROUNDS,
                f"round {announced.round_number}",
                f"digest of the {announced.links} links applied and what was left",
                _hex(digest),
                _hex(announced.digest),
                where=f"announced in block {announced.block}",
            )


def chain_head(hashes: Iterable[bytes], left: bytes) -> bytes:
    """The digest of links given by their hashes and followed by a rest whose digest is `left`."""
    digest = left
    for hash_ in reversed(list(hashes)):
        digest = keccak(hash_ + digest)
    return digest


def _hex(digest: bytes) -> str:
    return "0x" + digest.hex()
