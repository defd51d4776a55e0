"""A book of the escrow's accounts, kept from its events alone."""

from collections.abc import Sequence
from typing import Any

from sluice.account import Account, moved
from sluice.ledger import Ledger, Skip
from sluice.parameters import Parameters
from sluice.roles import NOBODY, Roles
from sluice.words import AMOUNT_BITS, MAX_AMOUNT_NANO, NO_DIGEST, digest_chain
from tests.escrow_world import MAX, NANO, role_address
from tests.messages import unpacked_instructions, unpacked_parts


class EventBook:
    """`ledger` is the escrow as the events that were read tell it."""

    def __init__(self, parameters: Parameters) -> None:
        self.ledger = Ledger(parameters)
        self.partly_applied = False
        """Whether links of the announcement are applied: events do not tell what is left then."""
        # as the constructor set them, of which tests see no events
        self.roles = Roles(*(role_address(role) for role in ("owner", "operator", "guardian")))

    def read(self, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Takes in the events of one transaction, as (name, fields)."""
        for name, fields in events:
            self._read(name, fields)

    def _read(self, name: str, fields: dict[str, Any]) -> None:
        book = self.ledger
        amount_nano = fields.get("amount", 0) // NANO
        account = fields.get("account", "")
        match name:
            case "Deposited":
                book.deposit(account, amount_nano)
            case "StakesSet":
                stakes = {word >> AMOUNT_BITS: word & MAX_AMOUNT_NANO for word in fields["stakes"]}
                book.set_stakes(account, stakes)
            case "SplitSet":
                book.set_split(account, fields["model"], unpacked_parts(fields["parts"]))
            case "InstructionsRelayed":
                self._batch(fields["instructions"], fields["applied"])
            case "InstructionSkipped":
                pass
            case "InstructionsCancelled":
                book.cancel_instructions(account, fields["nonce"])
            case "WithdrawalCancelled":
                book.accounts.setdefault(account, Account()).period = fields["period"]
            case "Left":
                book.leave(account)
            case "Withdrawn":
                self._take_out(account, amount_nano)
            case "FreeWithdrawals":
                for word in fields["items"]:
                    self._item(word, fields["period"])
            case "RoundAnnounced":
                self._round(fields["digest"], fields["announced_at"])
            case "LinkApplied":
                self._link(fields["round"], fields["link"], fields["time"])
            case "RoundResolved":
                book.resolved = fields["round"]
                self._round(NO_DIGEST, 0)
            case "RoundVetoed":
                self._round(NO_DIGEST, 0)
            case "OperatorSet":
                self.roles.operator = fields["operator"]
            case "GuardianSet":
                self.roles.guardian = fields["guardian"]
            case "OwnershipTransferStarted":
                self.roles.pending_owner = fields["new_owner"]
            case "OwnershipTransferred":
                self.roles.owner, self.roles.pending_owner = fields["new_owner"], NOBODY
            case "Paused":
                book.pause(fields["paused_at"])
            case "Unpaused":
                book.unpause()
            case "MoveOffered":
                book.offer_move(account, fields["to"])
            case "AccountMoved":
                old, new = book.account(account), book.account(fields["to"])
                book.accounts[account], book.accounts[fields["to"]] = moved(old, new)
                assert book.accounts[account].nonce == fields["nonce"]
            case "ReserveFunded":
                book.reserve_nano += amount_nano
            case "ReserveWithdrawn":
                book.reserve_nano -= amount_nano
            case "BurnSent":
                book.burned_nano -= amount_nano
            case _:
                raise AssertionError(f"an event that the book does not know: {name}")

    def _round(self, digest: bytes, announced_at: int) -> None:
        self.ledger.digest, self.ledger.announced_at = digest, announced_at
        self.partly_applied = False

    def _item(self, word: int, period: int) -> None:
        if Skip(word >> 216) == Skip.PAID:
            address = f"0x{word & (2**160 - 1):040x}"
            self._take_out(address, word >> 160 & MAX_AMOUNT_NANO)
            self.ledger.accounts[address].period = period

    def _take_out(self, address: str, amount_nano: int) -> None:
        account = self.ledger.accounts[address]
        account.pool_nano -= amount_nano
        account.due_nano = max(0, account.due_nano - amount_nano)

    def _batch(self, batch: bytes, applied: int) -> None:
        for index, each in enumerate(unpacked_instructions(batch)):
            if applied >> index & 1:
                self.ledger.apply_instruction(
                    each.account, each.stakes_nano, each.splits, each.nonce, MAX, 0
                )

    def _link(self, round_number: int, link: bytes, time: int) -> None:
        # the ledger wants a chain and an order: both are the contract's word here
        book, rest = self.ledger, b"\x01" * 32
        kept = book.resolved, book.digest, book.announced_at
        book.resolved, book.digest, book.announced_at = (
            round_number - 1,
            digest_chain([link], rest)[0],
            1,
        )
        book.resolve(round_number, [link], rest, time)
        book.resolved, book.digest, book.announced_at = kept
        self.partly_applied = True
