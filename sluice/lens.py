"""The lens as Python methods: what follows from an account's stored words, typed.

Amounts are integers in nano-NMR, rounds the tournament's numbers, times unix seconds. `block` of a
method is the block to look at (None: the newest, on a local chain the one to come).
"""

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from sluice.account import Split
from sluice.book import Position
from sluice.contract import Contract
from sluice.schedule import Release
from sluice.units import from_units
from sluice.words import MODELS


@dataclass(frozen=True, slots=True)
class Risk:
    """One open round of an account, in nano-NMR: the most it can burn or earn, what it keeps from
    being withdrawn, and the last second at which it can burn."""

    round_number: int
    bound_nano: int
    lock_nano: int
    deadline: int


class Lens(Contract):
    """A deployed lens on the connected network."""

    def escrow(self) -> str:
        """The escrow that it looks at."""
        return to_checksum_address(self._view("escrow()", "(address)")[0])

    def position(self, account: str, block: int | None = None) -> Position:
        """Everything held for an account, and what of it can leave now."""
        returns = "((uint256" + ",uint256" * 7 + "))"
        (values,) = self._view("position(address)", returns, account, block=block)
        pool, staked, at_risk, withdrawable, due, nonce, round_number, period = values
        return Position(
            pool_nano=from_units(pool),
            staked_nano=from_units(staked),
            at_risk_nano=from_units(at_risk),
            withdrawable_nano=from_units(withdrawable),
            due_nano=from_units(due),
            nonce=nonce,
            round_number=round_number or None,
            period=period,
        )

    def stakes_of(self, account: str, block: int | None = None) -> dict[int, int]:
        """The stakes of an account in nano-NMR by model, without the zeros."""
        (stakes,) = self._view("stakes_of(address)", f"(uint256[{MODELS}])", account, block=block)
        return {model: from_units(stake) for model, stake in enumerate(stakes) if stake}

    def splits_of(self, account: str, block: int | None = None) -> dict[int, Split]:
        """The splits of an account by model, ascending; a model without one of its own is not
        there."""
        (splits,) = self._view(
            "splits_of(address)", "((uint256,uint256[],uint256[])[])", account, block=block
        )
        return {
            model: tuple(zip(destinations, shares, strict=True))
            for model, destinations, shares in splits
        }

    def risks_of(self, account: str, block: int | None = None) -> tuple[Risk, ...]:
        """The open rounds that can still burn some of an account, ascending."""
        (risks,) = self._view(
            "risks_of(address)", "((uint256,uint256,uint256,uint256)[])", account, block=block
        )
        return tuple(
            Risk(r, from_units(bound), from_units(lock), end) for r, bound, lock, end in risks
        )

    def schedule(self, account: str, block: int | None = None) -> tuple[Release, ...]:
        """When the locked part of the pool becomes free, by docs/accounting.md, "Derived": for each
        coming pass that frees something, all that is withdrawable then."""
        (releases,) = self._view(
            "schedule(address)", "((uint256,uint256,uint256)[])", account, block=block
        )
        return tuple(
            Release(from_units(amount), earliest, latest) for amount, earliest, latest in releases
        )

    def current_period(self, block: int | None = None) -> int:
        """The fortnight it is, counted from 1 at the deployment."""
        return int(self._view("current_period()", "(uint256)", block=block)[0])
