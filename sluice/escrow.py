"""The escrow as Python methods: one for each external and each view, typed.

Amounts are integers in nano-NMR, rounds the tournament's numbers, times unix seconds, addresses
checksum text. Methods that change something send through ape and return its receipt; `sluice.calls`
has the same calls as calldata. A refusal of the contract comes back as `Refused` with the
contract's own words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ape.api import AccountAPI, ProviderAPI, ReceiptAPI
from eth_utils.address import to_checksum_address

from sluice.account import Split
from sluice.calls import calls
from sluice.contract import Contract
from sluice.delivery import Delivery
from sluice.events import ACCOUNT_MOVED, DEPOSITED, Log, accounts_moved, topic_of
from sluice.ledger import Ledger
from sluice.node import batch, is_local, log_of, result_of
from sluice.parameters import Parameters
from sluice.storage import Storage
from sluice.stored import account_of
from sluice.token import Token
from sluice.units import from_units

LOG_BLOCKS = 10_000


@dataclass(frozen=True, slots=True)
class RoundState:
    """Where the weekly pass stands: the last round that is done; the digest of what is announced
    and left to apply (32 bytes, zero if nothing is); when it was announced, 0 if nothing is."""

    resolved: int
    digest: bytes
    announced_at: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a deployment fixed for ever: the two other contracts and the parameters."""

    token: str
    burner: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Block:
    """A block's number and time."""

    number: int
    time: int


class Escrow(Contract):
    """A deployed escrow on the connected network."""

    def __init__(
        self,
        address: str,
        provider: ProviderAPI | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        super().__init__(address, provider, delivery)
        self._terms: Terms | None = None

    # --- accounts ---------------------------------------------------------------------------

    def deposit(
        self, amount_nano: int, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Adds to the sender's pool; the escrow must be approved for it."""
        return self.send(calls.deposit(amount_nano), sender, gas)

    def deposit_for(
        self, account: str, amount_nano: int, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Adds the sender's NMR to another account's pool."""
        return self.send(calls.deposit_for(account, amount_nano), sender, gas)

    def deposit_and_stake(
        self,
        amount_nano: int,
        stakes_nano: Mapping[int, int],
        *,
        sender: AccountAPI,
        gas: int | None = None,
    ) -> ReceiptAPI:
        """Deposits and sets stakes (nano-NMR by model), both or neither."""
        return self.send(calls.deposit_and_stake(amount_nano, stakes_nano), sender, gas)

    def set_stakes(
        self, stakes_nano: Mapping[int, int], *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Each listed model's stake becomes the given one; the pool takes up the difference."""
        return self.send(calls.set_stakes(stakes_nano), sender, gas)

    def set_split(
        self, model: int, split: Split, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """How the model's earnings are shared out from now on; empty: back to the model."""
        return self.send(calls.set_split(model, split), sender, gas)

    def leave(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Every stake to the pool; instructions and moves signed before are dead."""
        return self.send(calls.leave(), sender, gas)

    def withdraw(
        self, amount_nano: int, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Pays out of the sender's pool at once; `ALL` for everything withdrawable."""
        return self.send(calls.withdraw(amount_nano), sender, gas)

    def cancel_instructions(
        self, nonce: int, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Makes `nonce` the sender's next one: instructions signed for lower ones are dead."""
        return self.send(calls.cancel_instructions(nonce), sender, gas)

    def cancel_withdrawal(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Gives the sender's turn of this period up: its signed requests are dead."""
        return self.send(calls.cancel_withdrawal(), sender, gas)

    def relay(
        self,
        instructions: bytes,
        signatures: bytes,
        *,
        sender: AccountAPI,
        gas: int | None = None,
    ) -> ReceiptAPI:
        """Applies a batch of signed instructions; anyone. `instructions_relayed` reads which ones,
        `instructions_skipped` why not the others. `gas` None: what it would use now and a quarter
        more."""
        return self.send_large(calls.relay(instructions, signatures), sender, gas)

    # --- moves to another address -------------------------------------------------------------

    def offer_move(self, to: str, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Lets `to` take the sender's account over, in place of whom it was offered to before; the
        zero address takes the offer back."""
        return self.send(calls.offer_move(to), sender, gas)

    def accept_move(
        self, account: str, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Takes over an account that was offered to the sender; not while a round is announced."""
        return self.send(calls.accept_move(account), sender, gas)

    def relay_move(
        self,
        account: str,
        to: str,
        deadline: int,
        signature: bytes,
        to_signature: bytes,
        *,
        sender: AccountAPI,
        gas: int | None = None,
    ) -> ReceiptAPI:
        """Moves an account, both addresses having signed that; anyone. `gas` None: what it would
        use now and a quarter more."""
        data = calls.relay_move(account, to, deadline, signature, to_signature)
        return self.send_large(data, sender, gas)

    # --- rounds -----------------------------------------------------------------------------

    def announce(
        self,
        round_number: int,
        replaces: bytes,
        digest: bytes,
        *,
        sender: AccountAPI,
        gas: int | None = None,
    ) -> ReceiptAPI:
        """Announces the next round, or again what is left; `replaces` is the stored digest. `gas`
        None: what it would use now and a quarter more, since within a second of another it looks
        cheaper than it is: the time to be stored is stored already."""
        return self.send_large(calls.announce(round_number, replaces, digest), sender, gas)

    def resolve(
        self,
        round_number: int,
        links: Sequence[bytes],
        next_digest: bytes,
        *,
        sender: AccountAPI,
        gas: int | None = None,
    ) -> ReceiptAPI:
        """Applies consecutive links; `next_digest` is that of what follows, zero ends the round.
        `gas` None: what it would use now and a quarter more."""
        return self.send_large(calls.resolve(round_number, links, next_digest), sender, gas)

    def veto(self, round_number: int, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Clears what is announced of the next round and left to apply; guardian."""
        return self.send(calls.veto(round_number), sender, gas)

    def pause(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Stops deposits, relays, passes and batches for one round length; guardian."""
        return self.send(calls.pause(), sender, gas)

    def unpause(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Ends a pause, or allows another after one that ended by itself; owner."""
        return self.send(calls.unpause(), sender, gas)

    def pay(
        self,
        requests: Sequence[int],
        due_accounts: Sequence[str],
        signatures: bytes,
        *,
        sender: AccountAPI,
        gas: int | None = None,
        max_fee_wei: int | None = None,
    ) -> ReceiptAPI:
        """Pays a batch of free withdrawals; `free_withdrawals` reads what became of each. `gas`
        None: what it would use now and a quarter more; `max_fee_wei`: the most for a unit of it."""
        data = calls.pay(requests, due_accounts, signatures)
        return self.send_large(data, sender, gas, max_fee_wei)

    # --- treasury and owner -----------------------------------------------------------------

    def fund(self, amount_nano: int, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Adds the sender's NMR to the reserve."""
        return self.send(calls.fund(amount_nano), sender, gas)

    def withdraw_reserve(
        self, amount_nano: int, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Takes NMR out of the reserve, to the owner; not while a round is announced."""
        return self.send(calls.withdraw_reserve(amount_nano), sender, gas)

    def burn(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Has what passes burned destroyed."""
        return self.send(calls.burn(), sender, gas)

    def set_operator(
        self, operator: str, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Appoints the operator; owner."""
        return self.send(calls.set_operator(operator), sender, gas)

    def set_guardian(
        self, guardian: str, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Appoints the guardian; owner."""
        return self.send(calls.set_guardian(guardian), sender, gas)

    def transfer_ownership(
        self, new_owner: str, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Offers the ownership; nothing changes until it is accepted."""
        return self.send(calls.transfer_ownership(new_owner), sender, gas)

    def accept_ownership(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Takes an offered ownership."""
        return self.send(calls.accept_ownership(), sender, gas)

    # --- views ------------------------------------------------------------------------------

    def round_state(self, block: int | None = None) -> RoundState:
        """Where the weekly pass stands."""
        resolved, digest, announced_at = self._view(
            "round_state()", "(uint256,bytes32,uint256)", block=block
        )
        return RoundState(resolved, digest, announced_at)

    def paused_at(self, block: int | None = None) -> int:
        """When the last pause began, 0 = not since the owner's last `unpause`."""
        return int(self._view("paused_at()", "(uint256)", block=block)[0])

    def reserve_nano(self, block: int | None = None) -> int:
        """What is set aside to pay earnings."""
        return from_units(self._view("reserve()", "(uint256)", block=block)[0])

    def burned_nano(self, block: int | None = None) -> int:
        """What passes have burned and `burn` has not yet sent to the burner."""
        return from_units(self._view("burned()", "(uint256)", block=block)[0])

    def domain(self) -> bytes:
        """The EIP-712 domain separator."""
        separator: bytes = self._view("domain()", "(bytes32)")[0]
        return separator

    def operator(self) -> str:
        """Who runs passes and batches."""
        return to_checksum_address(self._view("operator()", "(address)")[0])

    def guardian(self) -> str:
        """Who may stop a round."""
        return to_checksum_address(self._view("guardian()", "(address)")[0])

    def owner(self) -> str:
        """Who appoints both."""
        return to_checksum_address(self._view("owner()", "(address)")[0])

    def pending_owner(self) -> str:
        """Whom the ownership is offered to, the zero address if nobody."""
        return to_checksum_address(self._view("pending_owner()", "(address)")[0])

    def terms(self) -> Terms:
        """What the deployment fixed for ever; read from the chain once."""
        if self._terms is None:
            (values,) = self._view("parameters()", "((address,address" + ",uint256" * 7 + "))")
            token, burner, first_pass, first_time, length, window, grace, cap, deployed_at = values
            self._terms = Terms(
                token=to_checksum_address(token),
                burner=to_checksum_address(burner),
                parameters=Parameters(
                    first_pass=first_pass,
                    first_pass_time=first_time,
                    deployed_at=deployed_at,
                    round_length_s=length,
                    window_s=window,
                    grace_s=grace,
                    cap_bps=cap,
                ),
            )
        return self._terms

    def parameters(self) -> Parameters:
        """The parameters of the constructor, and when it ran."""
        return self.terms().parameters

    # --- the token --------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        """NMR, or what stands in for it."""
        return Token(self.terms().token, self.provider, self.delivery)

    def approve(self, amount_nano: int, *, sender: AccountAPI) -> list[ReceiptAPI]:
        """Lets the escrow take at least `amount_nano` of the sender's NMR; see `Token.approve`."""
        return self.token.approve(self.address, amount_nano, sender=sender)

    # --- accounts, blocks and logs -----------------------------------------------------------

    @property
    def storage(self) -> Storage:
        """The words of accounts, many at once."""
        return Storage(self.address, self.provider)

    def ledger(self, accounts: Iterable[str], block: int | None = None) -> Ledger:
        """The escrow of one block with these accounts in it, as the reference model has it: what
        the contract would do with a step can be asked of it, for many accounts at once."""
        at = self.last_block().number if block is None else block
        found = self.storage.accounts(accounts, at)
        state = self.round_state(at)
        book = Ledger(self.parameters())
        book.accounts = {each: account_of(words, book.parameters) for each, words in found.items()}
        book.reserve_nano, book.burned_nano = self.reserve_nano(at), self.burned_nano(at)
        book.resolved, book.digest, book.announced_at = (
            state.resolved,
            state.digest,
            state.announced_at,
        )
        book.paused_at = self.paused_at(at)
        return book

    def time(self, block: int | None = None) -> int:
        """A block's time; None: the time that a transaction sent now would get, as far as one can
        know."""
        if block is not None:
            return int(self.provider.get_block(block).timestamp)
        newest = "pending" if is_local(self.provider) else "latest"
        return int(self.provider.get_block(newest).timestamp)

    def last_block(self) -> Block:
        """The newest block of the chain."""
        block = self._web3.eth.get_block("latest")
        return Block(int(block["number"]), int(block["timestamp"]))

    def accounts(self, first_block: int, last_block: int) -> Iterator[tuple[int, set[str]]]:
        """Every address that NMR was ever deposited for, or that an account moved to, from the
        contract's events: yields the last block read and the addresses found since the one
        before."""
        deposits = self.logs(DEPOSITED, first_block, last_block)
        moves = self.logs(ACCOUNT_MOVED, first_block, last_block)
        for (end, deposited), (_, moved) in zip(deposits, moves, strict=True):
            found = {to_checksum_address(bytes(log["topics"][1])[-20:]) for log in deposited}
            yield end, found | {each.to for each in accounts_moved(moved)}

    def logs(
        self, event: str, first_block: int, last_block: int, *indexed: int
    ) -> Iterator[tuple[int, list[Log]]]:
        """The contract's logs of an event, given by its signature and the first numbers that it is
        indexed by: yields the last block read and the logs found since the one before."""
        topics = [topic_of(event), *(f"0x{number:064x}" for number in indexed)]
        for start in range(first_block, last_block + 1, LOG_BLOCKS):
            end = min(start + LOG_BLOCKS - 1, last_block)
            yield end, self._read_logs(topics, start, end)

    def _read_logs(self, topics: list[str], first_block: int, last_block: int) -> list[Log]:
        wanted: Any = {"address": self.address, "topics": topics, "fromBlock": first_block,
                       "toBlock": last_block}  # fmt: skip
        if not self._has_http:
            return list(self._web3.eth.get_logs(wanted))
        # a node that is behind gives the logs that it has: the same one is asked for the last block
        wanted |= {"fromBlock": hex(first_block), "toBlock": hex(last_block)}
        questions = [("eth_getBlockByNumber", [hex(last_block), False]), ("eth_getLogs", [wanted])]
        _, found = batch(self._web3, questions)
        return [log_of(each) for each in result_of(found)]
