"""A round: from a table of payouts to the entries of its pass, the links they are cut into, and the
batches they are sent in.

Pure: the same table, registry, stakes and minimum give the same links on every machine, which is
what lets anybody recompute the digest that was announced (docs/accounting.md, "The round under
way").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sluice.errors import InvalidInput
from sluice.inputs import RoundTable, as_address, bad_row
from sluice.registry import Registry
from sluice.words import MAX_LINK_WORDS, MAX_LINKS_A_CALL, PAGES, Entry, pack_entry

Link: TypeAlias = list[Entry]

MODEL_DESTINATIONS = 8


@dataclass(frozen=True, slots=True)
class EntryGas:
    """What entries cost: at worst, which decides how links are cut, and as a rule, which decides
    how they are batched.

    At worst an account uses all its pages and splits every earning eight ways on pages where it
    has nothing yet: writes from zero. A loss can touch every page too, but only lowers what stands
    there.
    `link_budget` leaves what a transaction of 16,777,216 gas needs besides: its base, its
    calldata and the digests."""

    account: int = 8_000
    reading: int = 36_000
    payout: int = 4_500
    page_filled: int = 20_000
    page_lowered: int = 3_500
    link_budget: int = 15_000_000
    usual_typical: int = 7_000
    usual_paged: int = 10_000
    usual_page_word: int = 11_000
    usual_call: int = 60_000
    batch_target: int = 15_000_000

    def worst(self, entry: Entry) -> int:
        """The most gas an entry can take, whatever its account does with stakes and splits
        before it is resolved."""
        earnings = sum(1 for payout in entry.payouts_nano.values() if payout > 0)
        losses = sum(1 for payout in entry.payouts_nano.values() if payout < 0)
        filled = min(PAGES, MODEL_DESTINATIONS * earnings)
        lowered = PAGES - filled if losses else 0
        return (
            self.account
            + self.reading
            + self.payout * (earnings + losses)
            + self.page_filled * filled
            + self.page_lowered * lowered
        )

    def usual(self, link: Sequence[Entry]) -> int:
        """The gas that a link is expected to take."""
        gas = 0
        for entry in link:
            page_words = len(pack_entry(entry)) - 1
            gas += self.usual_paged if page_words else self.usual_typical
            gas += self.usual_page_word * page_words
        return gas


DEFAULT_GAS = EntryGas()


def payouts(table: RoundTable, registry: Registry, round_number: int) -> dict[tuple[str, int], int]:
    """The payouts of a resolved round in nano-NMR by (address, model number), zeros included.

    Raises InvalidInput, naming file, row and remedy, for a round that is unknown or unresolved,
    an account or a model that the registry does not know, and a model that stands in two rows
    under its account's name and its address."""
    found: dict[tuple[str, int], int] = {}
    for row in table.resolved_rows(round_number):
        key = (registry.address(row, table), registry.number(row, table))
        if key in found:
            raise bad_row(
                table.source,
                row.number,
                f"model {row.model} of {key[0]} is in round {round_number} already",
                "keep one of the two rows",
            )
        found[key] = row.payout_nano
    return found


def entries(
    payouts_nano: Mapping[tuple[str, int], int],
    staked_nano: Mapping[str, int],
    minimum_stake_nano: int,
) -> list[Entry]:
    """The entries of a pass, ascending by address: every account that has at least the minimum
    stake on chain at the manifest's block (a minimum of zero: any stake at all), and every account
    with a payout other than zero.

    An account with a stake and no payout is in it because a pass that leaves an account out opens
    nothing for it. One that only has open risk is not: a round that is done is closed for those it
    left out too.

    `payouts_nano`: signed, by (address, model number); `staked_nano`: the sum of an account's
    stakes, by address. InvalidInput if an account is no address."""
    by_account: dict[str, dict[int, int]] = {}
    for account, staked in staked_nano.items():
        if staked >= max(minimum_stake_nano, 1):
            by_account[_checksum(account)] = {}
    for (account, model), payout in sorted(payouts_nano.items()):
        if payout:
            by_account.setdefault(_checksum(account), {})[model] = payout
    return [Entry(account, by_account[account]) for account in sorted(by_account, key=_number)]


def check_bounds(pass_entries: Sequence[Entry], bounds_nano: Mapping[str, int]) -> None:
    """Refuses, naming all of them, the entries whose losses together or earnings together exceed
    what the account's round can burn or earn (docs/accounting.md); `bounds_nano`: by address, an
    account that is not in it has zero.

    The contract would refuse the transaction at the first of them, after a window spent waiting."""
    bounds = {_number(account): bound for account, bound in bounds_nano.items()}
    wrong = []
    for entry in pass_entries:
        bound = bounds.get(_number(entry.account), 0)
        earned = sum(payout for payout in entry.payouts_nano.values() if payout > 0)
        lost = -sum(payout for payout in entry.payouts_nano.values() if payout < 0)
        for amount, verb in ((lost, "loses"), (earned, "earns")):
            if amount > bound:
                wrong.append(f"{entry.account} {verb} {amount} nano-NMR of at most {bound}")
    if wrong:
        raise InvalidInput(
            f"payouts over the bound of the round: {'; '.join(wrong)}: correct these payouts, "
            "or leave these "
            "accounts' rows out, and make the round again"
        )


def links(pass_entries: Sequence[Entry], gas: EntryGas = DEFAULT_GAS) -> list[Link]:
    """The entries, in order, cut into the fewest consecutive links of which each fits one
    transaction at its worst and has at most MAX_LINK_WORDS words. No entries make one empty
    link, the link of an empty round."""
    cut: list[Link] = [[]]
    words = worst = 0
    for entry in pass_entries:
        entry_words, entry_worst = _words([entry]), gas.worst(entry)
        if cut[-1] and (
            words + entry_words > MAX_LINK_WORDS or worst + entry_worst > gas.link_budget
        ):
            cut.append([])
            words = worst = 0
        cut[-1].append(entry)
        words += entry_words
        worst += entry_worst
    return cut


def batches(
    round_links: Sequence[Sequence[Entry]], gas: EntryGas = DEFAULT_GAS
) -> list[list[Link]]:
    """The links, in order, grouped into transactions by the gas they are expected to take, at
    most MAX_LINKS_A_CALL in each. A batch may turn out dearer than expected; each link of it
    fits a transaction of its own all the same."""
    grouped: list[list[Link]] = []
    usual = 0
    for link in round_links:
        link_usual = gas.usual(link)
        full = not grouped or len(grouped[-1]) == MAX_LINKS_A_CALL
        if full or gas.usual_call + usual + link_usual > gas.batch_target:
            grouped.append([])
            usual = 0
        grouped[-1].append(list(link))
        usual += link_usual
    return grouped


def links_of_round(
    table: RoundTable,
    registry: Registry,
    round_number: int,
    staked_nano: Mapping[str, int],
    minimum_stake_nano: int,
) -> list[Link]:
    """The links of a round from its published inputs and the stakes at the manifest's block;
    refusals as `payouts`."""
    return links(entries(payouts(table, registry, round_number), staked_nano, minimum_stake_nano))


def _words(link: Sequence[Entry]) -> int:
    return sum(len(pack_entry(entry)) for entry in link)


def _checksum(account: str) -> str:
    checksum = as_address(account)
    if checksum is None:
        raise InvalidInput(f"account {account} is no address: look it up in the registry first")
    return checksum


def _number(account: str) -> int:
    return int(account, 16)
