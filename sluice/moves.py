"""Where accounts are now that moved to another address, and what names them by an older one.

Inputs and registry name an account by an address for ever; a move takes all of it elsewhere. What
names the old address then stands for the account at the new one, also over several moves and back.
Who deposits at the old address again has another account there, which no row of the inputs names.
Pure: the moves come from the contract's events, in the chain's order.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sluice.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Moved:
    """An account went from one address to another in a block; checksum addresses."""

    block: int
    account: str
    to: str


@dataclass(frozen=True, slots=True)
class Passed:
    """An account's entry in the pass under way was applied in a block, at its address then, a
    checksum address. Nothing moves between the first link of a block and its last."""

    block: int
    account: str


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves in the order in which they happened."""

    made: tuple[Moved, ...] = ()

    def until(self, block: int) -> "Moves":
        """Those in blocks up to this one."""
        return Moves(tuple(each for each in self.made if each.block <= block))

    def after(self, block: int) -> "Moves":
        """Those in later blocks than this one."""
        return Moves(tuple(each for each in self.made if each.block > block))

    def of(self, address: str) -> str:
        """Where the account is in the end that was at this address before all of these moves."""
        for each in self.made:
            if each.account == address:
                address = each.to
        return address

    def touch(self, addresses: Iterable[str]) -> bool:
        """Whether at one of these addresses is another account now than before: it went elsewhere,
        or one from elsewhere came."""
        there: dict[str, str | int] = {}
        for number, each in enumerate(self.made):
            there[each.to] = there.get(each.account, each.account)
            there[each.account] = number  # what starts at the old address is another account
        return any(there.get(address, address) != address for address in addresses)

    def payouts(
        self,
        payouts_nano: Mapping[tuple[str, int], int],
        done: Collection[str] = (),
        passed: Collection[Passed] = (),
    ) -> dict[tuple[str, int], int]:
        """Payouts (nano-NMR by address and model, zeros left out) of the accounts where they are
        now; InvalidInput if two rows stand for one model of one account then.

        `passed`: who was in the pass already; `done`: the addresses whose account was, as it is
        now. A row that is applied is left out where another account is now that was not: it would
        be paid or burned once more."""
        found: dict[tuple[str, int], int] = {}
        names: dict[tuple[str, int], str] = {}
        applied = self._before(passed)
        for (address, model), payout_nano in payouts_nano.items():
            key = (self.of(address), model)
            if not payout_nano or (address in applied and key[0] not in done):
                continue
            if key in found and key[0] not in done:
                raise InvalidInput(
                    f"the accounts at {names[key]} and {address} are one now, at {key[0]}, and "
                    f"both have a payout of model {model}: keep one of the two rows"
                )
            found[key], names[key] = payout_nano, address
        return found

    def staked(
        self,
        staked_nano: Mapping[str, int],
        done: Collection[str] = (),
        passed: Collection[Passed] = (),
    ) -> dict[str, int]:
        """What was staked at addresses before these moves (nano-NMR), by where the accounts are
        now; of two that are one now the larger, since a minimum is asked of each stake. `done` and
        `passed` as in `payouts`."""
        found: dict[str, int] = {}
        applied = self._before(passed)
        for address, staked in staked_nano.items():
            at = self.of(address)
            if at in done or address not in applied:
                found[at] = max(found.get(at, 0), staked)
        return found

    def _before(self, passed: Iterable[Passed]) -> set[str]:
        """Where those were before all of these moves that were in a pass. The links of a block come
        before its moves: what is announced waits for its window first."""
        by_block: dict[int, set[str]] = {}
        for each in passed:
            by_block.setdefault(each.block, set()).add(each.account)
        movers = {each.account for each in self.made}
        found: set[str] = set()
        for block, there in by_block.items():
            until = self.until(block - 1)
            found |= there - movers
            found |= {address for address in movers if until.of(address) in there}
        return found


NO_MOVES = Moves()
