"""Where accounts are now that moved to another address, and what names them by an older one.

Inputs and registry name an account by an address for ever; a move takes all of it elsewhere. What
names the old address then stands for the account at the new one, also over several moves and back.
Who deposits at the old address again has another account there, which no row of the inputs names.
Pure: the moves come from the contract's events, in the chain's order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sluice.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Moved:
    """An account went from one address to another in a block; checksum addresses."""

    block: int
    account: str
    to: str


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

    def payouts(self, payouts_nano: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Payouts (nano-NMR by address and model, zeros left out) of the accounts where they are
        now; InvalidInput if two rows stand for one model of one account then."""
        found: dict[tuple[str, int], int] = {}
        names: dict[tuple[str, int], str] = {}
        for (address, model), payout_nano in payouts_nano.items():
            if not payout_nano:
                continue
            key = (self.of(address), model)
            if key in found:
                raise InvalidInput(
                    f"the accounts at {names[key]} and {address} are one now, at {key[0]}, and "
                    f"both have a payout of model {model}: keep one of the two rows"
                )
            found[key], names[key] = payout_nano, address
        return found

    def staked(self, staked_nano: Mapping[str, int]) -> dict[str, int]:
        """What was staked at addresses before these moves (nano-NMR), by where the accounts are
        now; of two that are one now the larger, since a minimum is asked of each stake."""
        found: dict[str, int] = {}
        for address, staked in staked_nano.items():
            at = self.of(address)
            found[at] = max(found.get(at, 0), staked)
        return found


NO_MOVES = Moves()
