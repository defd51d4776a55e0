"""The reference model behind the interface of `tests.driver`: the ledger, who may do what, and the
token, if a test tells of one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

from sluice.account import Account, Split
from sluice.book import Position
from sluice.errors import Refused
from sluice.ledger import Ledger, Skip
from sluice.parameters import Parameters
from sluice.roles import Roles
from sluice.schedule import Release
from tests.driver import Request, Seen, Signed, SignedMove
from tests.escrow_world import MAX, role_address
from tests.messages import Instruction
from tests.token_model import TokenModel

NOT_SIGNED = "signature: not the account's"


class LedgerDriver:
    """The reference model."""

    def __init__(self, parameters: Parameters, token: TokenModel | None = None) -> None:
        self.ledger = Ledger(parameters)
        self.roles = Roles(*(role_address(role) for role in ("owner", "operator", "guardian")))
        self.token = token
        self.now = parameters.deployed_at
        # contract wallets, and the role whose signature each takes: None takes nobody's
        self.wallets: dict[str, str | None] = {}

    def signs(self, role: str, account: str) -> bool:
        """Whether a signature of the role is the account's."""
        if account in self.wallets:
            return self.wallets[account] == role
        return account == role_address(role)

    # --- the token --------------------------------------------------------------------------------

    @contextmanager
    def _atomic(self) -> Iterator[None]:
        """Within, a refusal puts accounts and treasury back."""
        book = self.ledger
        accounts = {address: account.copy() for address, account in book.accounts.items()}
        reserve_nano, burned_nano = book.reserve_nano, book.burned_nano
        try:
            yield
        except Refused:
            book.accounts = accounts
            book.reserve_nano, book.burned_nano = reserve_nano, burned_nano
            raise

    def _take(self, sender: str, amount_nano: int) -> None:
        if self.token:
            self.token.take(sender, amount_nano)

    def _send(self, to: str, amount_nano: int) -> None:
        if self.token:
            self.token.send(to, amount_nano)

    # --- accounts ---------------------------------------------------------------------------------

    def deposit(self, account: str, amount_nano: int) -> None:
        self.deposit_for(account, account, amount_nano)

    def deposit_for(self, sender: str, account: str, amount_nano: int) -> None:
        self.ledger.check_running(self.now)
        with self._atomic():
            self.ledger.deposit(account, amount_nano)
            self._take(sender, amount_nano)

    def deposit_and_stake(
        self, account: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None:
        self.ledger.check_running(self.now)
        with self._atomic():
            self.ledger.deposit_and_stake(account, amount_nano, stakes_nano)
            self._take(account, amount_nano)

    def set_stakes(self, account: str, stakes_nano: Mapping[int, int]) -> None:
        self.ledger.set_stakes(account, stakes_nano)

    def set_split(self, account: str, model: int, split: Split) -> None:
        self.ledger.set_split(account, model, split)

    def leave(self, account: str) -> None:
        self.ledger.leave(account)

    def relay(self, signed: Sequence[Signed]) -> list[str]:
        self.ledger.check_running(self.now)
        return [self._instruct(each.instruction, each.signer) for each in signed]

    def _instruct(self, instruction: Instruction, signer: str) -> str:
        forged = not self.signs(signer, instruction.account)
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
        return NOT_SIGNED if forged else ""

    def cancel_instructions(self, account: str, nonce: int) -> None:
        self.ledger.cancel_instructions(account, nonce)

    def cancel_withdrawal(self, account: str) -> None:
        self.ledger.cancel_withdrawal(account, self.now)

    # --- moves ------------------------------------------------------------------------------------

    def offer_move(self, account: str, to: str) -> None:
        self.ledger.offer_move(account, to)

    def accept_move(self, sender: str, account: str) -> None:
        self.ledger.accept_move(sender, account, self.now)

    def relay_move(self, signed: SignedMove) -> None:
        move = signed.move
        good = (
            self.signs(signed.signer, move.account)
            and self.signs(signed.to_signer, move.to)
            and move.nonce == self.ledger.account(move.account).nonce
        )
        self.ledger.relay_move(move.account, move.to, move.until, self.now, good)

    # --- withdrawals ------------------------------------------------------------------------------

    def withdraw(self, account: str, amount_nano: int) -> int:
        with self._atomic():
            paid_nano = self.ledger.withdraw(account, amount_nano, self.now)
            self._send(account, paid_nano)
        return paid_nano

    def pay(
        self,
        requests: Sequence[Request],
        due_accounts: Sequence[str] = (),
        sender: str | None = None,
    ) -> list[tuple[Skip, int]]:
        self.roles.check_operator(sender or role_address("operator"))
        self.ledger.check_pay(self.now)
        answers = [self._pay(request) for request in requests]
        for account in due_accounts:
            kept = self.ledger.account(account).copy()
            answer = self.ledger.pay_due(account, self.now)
            answers.append(self._arrived(account, answer, kept))
        return answers

    def _pay(self, request: Request) -> tuple[Skip, int]:
        kept = self.ledger.account(request.address).copy()
        answer = self.ledger.pay(
            request.address,
            request.amount_nano,
            request.period,
            request.deadline,
            self.now,
            signed=self.signs(request.role, request.address),
        )
        return self._arrived(request.address, answer, kept)

    def _arrived(self, account: str, answer: tuple[Skip, int], kept: Account) -> tuple[Skip, int]:
        """The same, unless the payment cannot be made: then nothing was."""
        skip, paid_nano = answer
        if skip != Skip.PAID or self.token is None:
            return answer
        if not self.token.can_send(account, paid_nano):
            self.ledger.accounts[account] = kept
            return Skip.TRANSFER_FAILED, 0
        self.token.send(account, paid_nano)
        return answer

    # --- rounds -----------------------------------------------------------------------------------

    def announce(
        self, round_number: int, replaces: bytes, digest: bytes, sender: str | None = None
    ) -> None:
        self.roles.check_operator_or_owner(sender or role_address("operator"))
        self.ledger.announce(round_number, replaces, digest, self.now)

    def veto(self, round_number: int, sender: str | None = None) -> None:
        self.roles.check_guardian(sender or role_address("guardian"))
        self.ledger.veto(round_number)

    def resolve(
        self,
        round_number: int,
        links: Sequence[bytes],
        next_digest: bytes,
        sender: str | None = None,
    ) -> None:
        self.ledger.resolve(round_number, links, next_digest, self.now)

    def pause(self, sender: str | None = None) -> None:
        self.roles.check_guardian(sender or role_address("guardian"))
        self.ledger.pause(self.now)

    def unpause(self, sender: str | None = None) -> None:
        self.roles.check_owner(sender or role_address("owner"))
        self.ledger.unpause()

    # --- treasury and roles -----------------------------------------------------------------------

    def fund(self, amount_nano: int, sender: str | None = None) -> None:
        with self._atomic():
            self.ledger.fund(amount_nano)
            self._take(sender or role_address("owner"), amount_nano)

    def withdraw_reserve(self, amount_nano: int, sender: str | None = None) -> None:
        owner = sender or role_address("owner")
        self.roles.check_owner(owner)
        with self._atomic():
            self.ledger.withdraw_reserve(amount_nano)
            self._send(owner, amount_nano)

    def burn(self) -> None:
        with self._atomic():
            burned_nano = self.ledger.burn()
            if self.token:
                self.token.burn(burned_nano)

    def set_operator(self, operator: str, sender: str | None = None) -> None:
        self.roles.set_operator(sender or role_address("owner"), operator)

    def set_guardian(self, guardian: str, sender: str | None = None) -> None:
        self.roles.set_guardian(sender or role_address("owner"), guardian)

    def transfer_ownership(self, new_owner: str, sender: str | None = None) -> None:
        self.roles.transfer_ownership(sender or role_address("owner"), new_owner)

    def accept_ownership(self, sender: str) -> None:
        self.roles.accept_ownership(sender)

    # --- what can be seen -------------------------------------------------------------------------

    def position(self, account: str) -> Position:
        return self.ledger.position(account, self.now)

    def words(self, account: str) -> dict[int, int]:
        return self.ledger.words(account)

    def schedule(self, account: str) -> list[Release]:
        return self.ledger.schedule(account, self.now)

    def seen(self, accounts: Sequence[str], shown: Sequence[str] | None = None) -> Seen:
        positions = accounts if shown is None else shown
        book = self.ledger
        held_nano = book.held_nano
        if self.token:
            held_nano = self.token.balances_nano[self.token.escrow]
        return Seen(
            words={account: book.words(account) for account in accounts},
            positions={account: book.position(account, self.now) for account in positions},
            reserve_nano=book.reserve_nano,
            burned_nano=book.burned_nano,
            round_state=(book.resolved, book.digest, book.announced_at),
            paused_at=book.paused_at,
            roles=replace(self.roles),
            held_nano=held_nano,
        )

    def outside(self, holders: Sequence[str]) -> dict[str, int]:
        assert self.token, "this driver was told of no token"
        return {holder: self.token.balances_nano[holder] for holder in holders}
