"""The one interface behind which the ledger and the contract stand, and what it takes and gives.

Every step raises Refused with the contract's own text where it is refused. Amounts in nano-NMR,
times in unix seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sluice.account import Split
from sluice.book import Position
from sluice.ledger import Skip
from sluice.roles import Roles
from sluice.schedule import Release
from tests.escrow_world import role_address
from tests.messages import Instruction, Move


@dataclass(frozen=True, slots=True)
class Request:
    """A free withdrawal and the role that has signed it; the amount may be ALL. `account`: whose it
    is, if not the signer's own."""

    role: str
    amount_nano: int
    period: int
    deadline: int
    account: str = ""

    @property
    def address(self) -> str:
        """Whose NMR it asks for."""
        return self.account or role_address(self.role)


@dataclass(frozen=True, slots=True)
class Signed:
    """An instruction and the role whose signature is under it."""

    instruction: Instruction
    signer: str


@dataclass(frozen=True, slots=True)
class SignedMove:
    """A move and the roles whose signatures are under it, the old address's first."""

    move: Move
    signer: str
    to_signer: str


@dataclass(frozen=True, slots=True)
class Seen:
    """All state: each account's stored words and its position, the treasury, the round under way,
    the last pause, who is who, and the token balance."""

    words: dict[str, dict[int, int]]
    positions: dict[str, Position]
    reserve_nano: int
    burned_nano: int
    round_state: tuple[int, bytes, int]
    paused_at: int
    roles: Roles
    held_nano: int


class Driver(Protocol):
    """What can be done to the escrow; `now` is the time of the next step. A `sender` of None is
    whoever holds the role that the step is for at first."""

    now: int

    def deposit(self, account: str, amount_nano: int) -> None: ...
    def deposit_for(self, sender: str, account: str, amount_nano: int) -> None: ...
    def deposit_and_stake(
        self, account: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None: ...
    def set_stakes(self, account: str, stakes_nano: Mapping[int, int]) -> None: ...
    def set_split(self, account: str, model: int, split: Split) -> None: ...
    def leave(self, account: str) -> None: ...
    def relay(self, signed: Sequence[Signed]) -> list[str]:
        """Why each was skipped; empty for those that were applied."""

    def cancel_instructions(self, account: str, nonce: int) -> None: ...
    def cancel_withdrawal(self, account: str) -> None: ...
    def withdraw(self, account: str, amount_nano: int) -> int: ...
    def pay(
        self,
        requests: Sequence[Request],
        due_accounts: Sequence[str] = (),
        sender: str | None = None,
    ) -> list[tuple[Skip, int]]: ...
    def offer_move(self, account: str, to: str) -> None: ...
    def accept_move(self, sender: str, account: str) -> None: ...
    def relay_move(self, signed: SignedMove) -> None: ...
    def announce(
        self, round_number: int, replaces: bytes, digest: bytes, sender: str | None = None
    ) -> None: ...
    def veto(self, round_number: int, sender: str | None = None) -> None: ...
    def resolve(
        self,
        round_number: int,
        links: Sequence[bytes],
        next_digest: bytes,
        sender: str | None = None,
    ) -> None: ...
    def pause(self, sender: str | None = None) -> None: ...
    def unpause(self, sender: str | None = None) -> None: ...
    def fund(self, amount_nano: int, sender: str | None = None) -> None: ...
    def withdraw_reserve(self, amount_nano: int, sender: str | None = None) -> None: ...
    def burn(self) -> None: ...
    def set_operator(self, operator: str, sender: str | None = None) -> None: ...
    def set_guardian(self, guardian: str, sender: str | None = None) -> None: ...
    def transfer_ownership(self, new_owner: str, sender: str | None = None) -> None: ...
    def accept_ownership(self, sender: str) -> None: ...
    def position(self, account: str) -> Position: ...
    def words(self, account: str) -> dict[int, int]: ...
    def schedule(self, account: str) -> list[Release]: ...
    def seen(self, accounts: Sequence[str], shown: Sequence[str] | None = None) -> Seen:
        """The words of accounts and the positions of those `shown`, None: of all."""

    def outside(self, holders: Sequence[str]) -> dict[str, int]:
        """The token balances of others, in nano-NMR, as far as tokens are told of."""
