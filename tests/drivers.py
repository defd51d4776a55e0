"""The ledger and the contract behind one interface, so that a test can lead both the same way."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boa

from sluice.account import Split
from sluice.book import Position
from sluice.errors import Refused
from sluice.ledger import ALL, Skip
from sluice.roles import Roles
from sluice.schedule import Release
from sluice.words import MAX_AMOUNT_NANO
from tests.compiled import stored_words
from tests.driver import Driver, Request, Seen, Signed, SignedMove
from tests.escrow_world import MAX, NANO, World, nano, revert_reason, role_address, set_time
from tests.ledger_driver import LedgerDriver
from tests.messages import Withdrawal, packed_signature, relay_arguments, signatures_of

__all__ = ["Driver", "EscrowDriver", "LedgerDriver", "Request", "Seen", "Signed", "SignedMove"]


class EscrowDriver:
    """The contract. Whoever deposits must hold and have approved the NMR."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.parameters.deployed_at
        self.operator = role_address("operator")
        self.owner = role_address("owner")
        self.guardian = role_address("guardian")
        self.stranger = role_address("stranger")
        self.wallets: set[str] = set()
        self.answers: Counter[tuple[str, str]] = Counter()
        """How often each external went through (under "") or was refused, by reason."""

    def _send(self, function: Callable[..., Any], *arguments: Any, sender: str) -> Any:
        set_time(self.now)
        name = function.fn_ast.name
        try:
            answer = function(*arguments, sender=sender)
        except boa.BoaError as error:
            reason = revert_reason(error)
            self.answers[name, reason or "without words"] += 1
            raise Refused(reason) from None
        self.answers[name, ""] += 1
        return answer

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
        arguments = relay_arguments(batch, self.wallets)
        self._send(escrow.relay, *arguments, sender=self.stranger)
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
        self,
        requests: Sequence[Request],
        due_accounts: Sequence[str] = (),
        sender: str | None = None,
    ) -> list[tuple[Skip, int]]:
        batch = []
        for request in requests:
            amount_nano = None if request.amount_nano == ALL else request.amount_nano
            withdrawal = Withdrawal(request.address, amount_nano, request.period, request.deadline)
            batch.append(self.world.signed(withdrawal, request.role))
        self._send(
            self.world.escrow.pay,
            [withdrawal.word() for withdrawal, _ in batch],
            list(due_accounts),
            signatures_of(batch, self.wallets),
            sender=sender or self.operator,
        )
        ((_, fields),) = self.world.events()
        return [(Skip(word >> 216), word >> 160 & MAX_AMOUNT_NANO) for word in fields["items"]]

    def offer_move(self, account: str, to: str) -> None:
        self._send(self.world.escrow.offer_move, to, sender=account)

    def accept_move(self, sender: str, account: str) -> None:
        self._send(self.world.escrow.accept_move, account, sender=sender)

    def relay_move(self, signed: SignedMove) -> None:
        move = signed.move
        signatures = [
            packed_signature(self.world.sign(move, role))
            if account not in self.wallets
            else self.world.sign(move, role)
            for account, role in ((move.account, signed.signer), (move.to, signed.to_signer))
        ]
        function = self.world.escrow.relay_move
        self._send(function, move.account, move.to, move.until, *signatures, sender=self.stranger)

    def announce(
        self, round_number: int, replaces: bytes, digest: bytes, sender: str | None = None
    ) -> None:
        function = self.world.escrow.announce
        self._send(function, round_number, replaces, digest, sender=sender or self.operator)

    def veto(self, round_number: int, sender: str | None = None) -> None:
        self._send(self.world.escrow.veto, round_number, sender=sender or self.guardian)

    def resolve(
        self,
        round_number: int,
        links: Sequence[bytes],
        next_digest: bytes,
        sender: str | None = None,
    ) -> None:
        function = self.world.escrow.resolve
        by = sender or self.stranger
        self._send(function, round_number, list(links), next_digest, sender=by)

    def pause(self, sender: str | None = None) -> None:
        self._send(self.world.escrow.pause, sender=sender or self.guardian)

    def unpause(self, sender: str | None = None) -> None:
        self._send(self.world.escrow.unpause, sender=sender or self.owner)

    def set_operator(self, operator: str, sender: str | None = None) -> None:
        self._send(self.world.escrow.set_operator, operator, sender=sender or self.owner)

    def set_guardian(self, guardian: str, sender: str | None = None) -> None:
        self._send(self.world.escrow.set_guardian, guardian, sender=sender or self.owner)

    def transfer_ownership(self, new_owner: str, sender: str | None = None) -> None:
        self._send(self.world.escrow.transfer_ownership, new_owner, sender=sender or self.owner)

    def accept_ownership(self, sender: str) -> None:
        self._send(self.world.escrow.accept_ownership, sender=sender)

    def fund(self, amount_nano: int, sender: str | None = None) -> None:
        self._send(self.world.escrow.fund, nano(amount_nano), sender=sender or self.owner)

    def withdraw_reserve(self, amount_nano: int, sender: str | None = None) -> None:
        function = self.world.escrow.withdraw_reserve
        self._send(function, nano(amount_nano), sender=sender or self.owner)

    def burn(self) -> None:
        self._send(self.world.escrow.burn, sender=self.stranger)

    def seen(self, accounts: Sequence[str], shown: Sequence[str] | None = None) -> Seen:
        positions = accounts if shown is None else shown
        set_time(self.now)
        escrow = self.world.escrow
        resolved, digest, announced_at = escrow.round_state()
        return Seen(
            words={account: self.words(account) for account in accounts},
            positions={account: self.position(account) for account in positions},
            reserve_nano=escrow.reserve() // NANO,
            burned_nano=escrow.burned() // NANO,
            round_state=(resolved, digest, announced_at),
            paused_at=escrow.paused_at(),
            roles=Roles(
                *(
                    str(holder).lower()
                    for holder in (
                        escrow.owner(),
                        escrow.operator(),
                        escrow.guardian(),
                        escrow.pending_owner(),
                    )
                )
            ),
            held_nano=self.world.token.balanceOf(escrow) // NANO,
        )

    def outside(self, holders: Sequence[str]) -> dict[str, int]:
        token = self.world.token
        return {holder: token.balanceOf(holder) // NANO for holder in holders}

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
