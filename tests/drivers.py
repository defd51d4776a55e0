"""The ledger and the contract behind one interface, so that a test can lead both the same way.

Every step raises Refused with the contract's own text where it is refused. Amounts in nano-NMR,
times in unix seconds."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

import boa

from sluice.account import Split
from sluice.book import Position
from sluice.errors import Refused
from sluice.ledger import ALL, Ledger, Skip
from sluice.parameters import Parameters
from sluice.schedule import Release
from sluice.words import MAX_AMOUNT_NANO
from tests.compiled import stored_words
from tests.escrow_world import MAX, NANO, World, nano, revert_reason, role_address, set_time
from tests.messages import Instruction, Withdrawal, packed_signatures, relay_arguments


@dataclass(frozen=True, slots=True)
class Request:
    """A free withdrawal that the account itself has signed; the amount may be ALL."""

    role: str
    amount_nano: int
    period: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Signed:
    """An instruction and the role whose signature is under it."""

    instruction: Instruction
    signer: str


@dataclass(frozen=True, slots=True)
class Seen:
    """All state: each account's stored words and its position, the treasury, the round under way,
    and the token balance."""

    words: dict[str, dict[int, int]]
    positions: dict[str, Position]
    reserve_nano: int
    burned_nano: int
    round_state: tuple[int, bytes, int]
    held_nano: int


class Driver(Protocol):
    """What can be done to the escrow; `now` is the time of the next step."""

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
        self, requests: Sequence[Request], due_accounts: Sequence[str] = ()
    ) -> list[tuple[Skip, int]]: ...
    def announce(self, round_number: int, replaces: bytes, digest: bytes) -> None: ...
    def resolve(self, round_number: int, links: Sequence[bytes], next_digest: bytes) -> None: ...
    def fund(self, amount_nano: int) -> None: ...
    def withdraw_reserve(self, amount_nano: int) -> None: ...
    def burn(self) -> None: ...
    def position(self, account: str) -> Position: ...
    def words(self, account: str) -> dict[int, int]: ...
    def schedule(self, account: str) -> list[Release]: ...
    def seen(self, accounts: Sequence[str]) -> Seen: ...


class LedgerDriver:
    """The reference model."""

    def __init__(self, parameters: Parameters) -> None:
        self.ledger = Ledger(parameters)
        self.now = parameters.deployed_at

    def deposit(self, account: str, amount_nano: int) -> None:
        self.ledger.deposit(account, amount_nano)

    def deposit_for(self, sender: str, account: str, amount_nano: int) -> None:
        self.ledger.deposit(account, amount_nano)

    def deposit_and_stake(
        self, account: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None:
        self.ledger.deposit_and_stake(account, amount_nano, stakes_nano)

    def set_stakes(self, account: str, stakes_nano: Mapping[int, int]) -> None:
        self.ledger.set_stakes(account, stakes_nano)

    def set_split(self, account: str, model: int, split: Split) -> None:
        self.ledger.set_split(account, model, split)

    def leave(self, account: str) -> None:
        self.ledger.leave(account)

    def relay(self, signed: Sequence[Signed]) -> list[str]:
        return [self._instruct(each.instruction, each.signer) for each in signed]

    def _instruct(self, instruction: Instruction, signer: str) -> str:
        forged = instruction.account != role_address(signer)
        book = deepcopy(self.ledger) if forged else self.ledger
        deadline = MAX if instruction.deadline is None else instruction.deadline
        try:
            book.apply_instruction(
                instruction.account,
                instruction.stakes_nano,
                instruction.splits,
                instruction.nonce,
                deadline,
                self.now,
            )
        except Refused as refusal:
            # a signature is looked at after time and nonce and before what it changes
            timely = not str(refusal).startswith("instruction:") or "no change" in str(refusal)
            if not (forged and timely):
                return str(refusal)
        return "signature: not the account's" if forged else ""

    def cancel_instructions(self, account: str, nonce: int) -> None:
        self.ledger.cancel_instructions(account, nonce)

    def cancel_withdrawal(self, account: str) -> None:
        self.ledger.cancel_withdrawal(account, self.now)

    def withdraw(self, account: str, amount_nano: int) -> int:
        return self.ledger.withdraw(account, amount_nano, self.now)

    def pay(
        self, requests: Sequence[Request], due_accounts: Sequence[str] = ()
    ) -> list[tuple[Skip, int]]:
        self.ledger.check_pay(self.now)
        paid = [
            self.ledger.pay(
                role_address(request.role),
                request.amount_nano,
                request.period,
                request.deadline,
                self.now,
            )
            for request in requests
        ]
        return paid + [self.ledger.pay_due(account, self.now) for account in due_accounts]

    def announce(self, round_number: int, replaces: bytes, digest: bytes) -> None:
        self.ledger.announce(round_number, replaces, digest, self.now)

    def resolve(self, round_number: int, links: Sequence[bytes], next_digest: bytes) -> None:
        self.ledger.resolve(round_number, links, next_digest, self.now)

    def fund(self, amount_nano: int) -> None:
        self.ledger.fund(amount_nano)

    def withdraw_reserve(self, amount_nano: int) -> None:
        self.ledger.withdraw_reserve(amount_nano)

    def burn(self) -> None:
        self.ledger.burn()

    def position(self, account: str) -> Position:
        return self.ledger.position(account, self.now)

    def words(self, account: str) -> dict[int, int]:
        return self.ledger.words(account)

    def schedule(self, account: str) -> list[Release]:
        return self.ledger.schedule(account, self.now)

    def seen(self, accounts: Sequence[str]) -> Seen:
        return Seen(
            words={account: self.ledger.words(account) for account in accounts},
            positions={account: self.ledger.position(account, self.now) for account in accounts},
            reserve_nano=self.ledger.reserve_nano,
            burned_nano=self.ledger.burned_nano,
            round_state=(self.ledger.resolved, self.ledger.digest, self.ledger.announced_at),
            held_nano=self.ledger.held_nano,
        )


class EscrowDriver:
    """The contract. Whoever deposits must hold and have approved the NMR."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.parameters.deployed_at
        self.operator = role_address("operator")
        self.owner = role_address("owner")
        self.stranger = role_address("stranger")

    def _send(self, function: Callable[..., Any], *arguments: Any, sender: str) -> Any:
        set_time(self.now)
        try:
            return function(*arguments, sender=sender)
        except boa.BoaError as error:
            raise Refused(revert_reason(error)) from None

    def deposit(self, account: str, amount_nano: int) -> None:
        self._send(self.world.escrow.deposit, nano(amount_nano), sender=account)

    def deposit_for(self, sender: str, account: str, amount_nano: int) -> None:
        self._send(self.world.escrow.deposit_for, account, nano(amount_nano), sender=sender)

    def deposit_and_stake(
        self, account: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None:
        models, stakes = _lists(stakes_nano)
        function = self.world.escrow.deposit_and_stake
        self._send(function, nano(amount_nano), models, stakes, sender=account)

    def set_stakes(self, account: str, stakes_nano: Mapping[int, int]) -> None:
        self._send(self.world.escrow.set_stakes, *_lists(stakes_nano), sender=account)

    def set_split(self, account: str, model: int, split: Split) -> None:
        destinations = [destination for destination, _ in split]
        shares = [share for _, share in split]
        self._send(self.world.escrow.set_split, model, destinations, shares, sender=account)

    def leave(self, account: str) -> None:
        self._send(self.world.escrow.leave, sender=account)

    def relay(self, signed: Sequence[Signed]) -> list[str]:
        escrow = self.world.escrow
        batch = [self.world.signed(each.instruction, each.signer) for each in signed]
        self._send(escrow.relay, *relay_arguments(batch), sender=self.stranger)
        events = self.world.events()
        reasons = iter(f["reason"] for name, f in events if name == "InstructionSkipped")
        (applied,) = (f["applied"] for name, f in events if name == "InstructionsRelayed")
        answers = ["" if applied >> index & 1 else next(reasons) for index in range(len(signed))]
        assert list(reasons) == []
        return answers

    def cancel_instructions(self, account: str, nonce: int) -> None:
        self._send(self.world.escrow.cancel_instructions, nonce, sender=account)

    def cancel_withdrawal(self, account: str) -> None:
        self._send(self.world.escrow.cancel_withdrawal, sender=account)

    def withdraw(self, account: str, amount_nano: int) -> int:
        amount = MAX if amount_nano == ALL else nano(amount_nano)
        return int(self._send(self.world.escrow.withdraw, amount, sender=account)) // NANO

    def pay(
        self, requests: Sequence[Request], due_accounts: Sequence[str] = ()
    ) -> list[tuple[Skip, int]]:
        words, signatures = [], []
        for request in requests:
            amount_nano = None if request.amount_nano == ALL else request.amount_nano
            withdrawal = Withdrawal(
                role_address(request.role), amount_nano, request.period, request.deadline
            )
            words.append(withdrawal.word())
            signatures.append(self.world.sign(withdrawal, request.role))
        self._send(
            self.world.escrow.pay,
            words,
            list(due_accounts),
            packed_signatures(signatures),
            sender=self.operator,
        )
        ((_, fields),) = self.world.events()
        return [(Skip(word >> 216), word >> 160 & MAX_AMOUNT_NANO) for word in fields["items"]]

    def announce(self, round_number: int, replaces: bytes, digest: bytes) -> None:
        function = self.world.escrow.announce
        self._send(function, round_number, replaces, digest, sender=self.operator)

    def resolve(self, round_number: int, links: Sequence[bytes], next_digest: bytes) -> None:
        function = self.world.escrow.resolve
        self._send(function, round_number, list(links), next_digest, sender=self.stranger)

    def fund(self, amount_nano: int) -> None:
        self._send(self.world.escrow.fund, nano(amount_nano), sender=self.owner)

    def withdraw_reserve(self, amount_nano: int) -> None:
        self._send(self.world.escrow.withdraw_reserve, nano(amount_nano), sender=self.owner)

    def burn(self) -> None:
        self._send(self.world.escrow.burn, sender=self.stranger)

    def seen(self, accounts: Sequence[str]) -> Seen:
        set_time(self.now)
        escrow = self.world.escrow
        resolved, digest, announced_at = escrow.round_state()
        return Seen(
            words={account: self.words(account) for account in accounts},
            positions={account: self.position(account) for account in accounts},
            reserve_nano=escrow.reserve() // NANO,
            burned_nano=escrow.burned() // NANO,
            round_state=(resolved, digest, announced_at),
            held_nano=self.world.token.balanceOf(escrow) // NANO,
        )

    def position(self, account: str) -> Position:
        """The view `position` in nano-NMR."""
        set_time(self.now)
        seen = self.world.lens.position(account)
        return Position(
            pool_nano=seen.pool // NANO,
            staked_nano=seen.staked // NANO,
            at_risk_nano=seen.at_risk // NANO,
            withdrawable_nano=seen.withdrawable // NANO,
            due_nano=seen.due // NANO,
            nonce=seen.nonce,
            round_number=seen.round or None,
            period=seen.period,
        )

    def words(self, account: str) -> dict[int, int]:
        """Straight out of storage: word by place, no zeros."""
        return stored_words(self.world.escrow, account)

    def schedule(self, account: str) -> list[Release]:
        set_time(self.now)
        return [
            Release(amount // NANO, earliest, latest)
            for amount, earliest, latest in self.world.lens.schedule(account)
        ]


def _lists(stakes_nano: Mapping[int, int]) -> tuple[list[int], list[int]]:
    return list(stakes_nano), [nano(stake) for stake in stakes_nano.values()]
