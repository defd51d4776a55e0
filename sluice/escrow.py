"""The contract as Python methods: one for each external and each view, typed.

Amounts are integers in nano-NMR, rounds the tournament's numbers, times unix seconds, addresses
checksum text. The conversion to token base units happens in this file and nowhere else. Methods
that change something send through ape and return its receipt; `calls` has the same calls as
calldata, for bulk senders and dry runs. A refusal of the contract comes back as `Refused` with the
contract's own words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import ape
from ape.api import AccountAPI, ProviderAPI, ReceiptAPI
from ape.exceptions import TransactionError
from eth_abi.abi import decode, encode
from eth_tester.exceptions import TransactionFailed  # type: ignore[import-untyped]
from eth_utils.abi import event_signature_to_log_topic, function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError

from sluice.errors import InvalidInput, Refused
from sluice.ledger import ALL, Position, Skip
from sluice.parameters import Parameters
from sluice.words import (
    ACCOUNT_BITS,
    AMOUNT_BITS,
    MODELS,
    PAGES,
    AccountWord,
    unpack_account,
    unpack_page,
    word_slot,
)

BASE_UNITS_A_NANO = 10**9
MAX_UINT = 2**256 - 1

WORDS_SLOT = 7
"""The slot of the mapping `_words`; the layout's golden file pins it."""

MAX_TRANSACTION_GAS = 16_777_216
_OUT_OF_GAS = re.compile(r"out ?of ?gas|OOG\b|gas required exceeds", re.IGNORECASE)
"""The most that one transaction may use (EIP-7825)."""

LOCAL_CHAIN_IDS = frozenset({1337, 31337})
"""What ape's in-process chain and anvil call themselves."""

READ_BATCH = 200
LOG_BLOCKS = 10_000

Log: TypeAlias = Mapping[str, Any]
"""A log as JSON-RPC gives it: address, topics, data."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One open round of an account, in nano-NMR: the most it can burn or earn, what it keeps from
    being withdrawn, and the last second at which it can burn."""

    round_number: int
    bound_nano: int
    lock_nano: int
    deadline: int


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


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one item of `pay`: what was paid, zero if it was skipped, and why it was."""

    account: str
    paid_nano: int
    skip: Skip


@dataclass(frozen=True, slots=True)
class FreeWithdrawals:
    """One batch of free withdrawals, in the order in which they were asked for."""

    period: int
    items: tuple[Item, ...]
    time: int


@dataclass(frozen=True, slots=True)
class LinkApplied:
    """One link of a round as it was applied: its raw words and the time of its block."""

    round_number: int
    link: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Holding:
    """An account's words of one block: the account word and, in nano-NMR by model, its stakes."""

    account: str
    word: AccountWord
    stakes_nano: Mapping[int, int]

    @property
    def staked_nano(self) -> int:
        """The sum of the stakes."""
        return sum(self.stakes_nano.values())


def is_local(provider: ProviderAPI) -> bool:
    """Whether the connected chain is one for development: in-process, anvil, or a fork."""
    return bool(provider.network.is_dev) or provider.chain_id in LOCAL_CHAIN_IDS


class OutOfGas(Refused):
    """A call that does not go through within the gas of one transaction; nothing was sent."""


class Calls:
    """Every call of the contract as calldata. Amounts in nano-NMR, `ALL` for everything."""

    def deposit(self, amount_nano: int) -> bytes:
        """Adds to the sender's pool."""
        return _calldata("deposit(uint256)", _units(amount_nano))

    def deposit_for(self, account: str, amount_nano: int) -> bytes:
        """Adds the sender's NMR to another account's pool."""
        return _calldata("deposit_for(address,uint256)", account, _units(amount_nano))

    def deposit_and_stake(self, amount_nano: int, stakes_nano: Mapping[int, int]) -> bytes:
        """Deposits and sets stakes, both or neither."""
        models, stakes = _stakes(stakes_nano)
        return _calldata(
            "deposit_and_stake(uint256,uint256[],uint256[])", _units(amount_nano), models, stakes
        )

    def set_stakes(self, stakes_nano: Mapping[int, int]) -> bytes:
        """Each listed model's stake becomes the given one."""
        models, stakes = _stakes(stakes_nano)
        return _calldata("set_stakes(uint256[],uint256[])", models, stakes)

    def leave(self) -> bytes:
        """Every stake to the pool, older signatures dead."""
        return _calldata("leave()")

    def withdraw(self, amount_nano: int) -> bytes:
        """Pays out of the sender's pool; `ALL` for everything withdrawable."""
        return _calldata("withdraw(uint256)", _units_or_all(amount_nano))

    def announce(self, round_number: int, replaces: bytes, digest: bytes) -> bytes:
        """Announces a round, or again what is left of it."""
        return _calldata("announce(uint256,bytes32,bytes32)", round_number, replaces, digest)

    def resolve(self, round_number: int, links: Sequence[bytes], next_digest: bytes) -> bytes:
        """Applies consecutive links of the announced round."""
        return _calldata("resolve(uint256,bytes[],bytes32)", round_number, list(links), next_digest)

    def pay(self, requests: Sequence[int], due_accounts: Sequence[str], signatures: bytes) -> bytes:
        """Pays free withdrawals; `sluice.instructions` packs requests and signatures."""
        return _calldata(
            "pay(uint256[],address[],bytes)", list(requests), list(due_accounts), signatures
        )

    def fund(self, amount_nano: int) -> bytes:
        """Adds the sender's NMR to the reserve."""
        return _calldata("fund(uint256)", _units(amount_nano))

    def withdraw_reserve(self, amount_nano: int) -> bytes:
        """Takes NMR out of the reserve, to the owner."""
        return _calldata("withdraw_reserve(uint256)", _units(amount_nano))

    def burn(self) -> bytes:
        """Sends what waits to be burned to the burner."""
        return _calldata("burn()")

    def set_operator(self, operator: str) -> bytes:
        """Appoints the operator."""
        return _calldata("set_operator(address)", operator)

    def set_guardian(self, guardian: str) -> bytes:
        """Appoints the guardian."""
        return _calldata("set_guardian(address)", guardian)

    def transfer_ownership(self, new_owner: str) -> bytes:
        """Offers the ownership."""
        return _calldata("transfer_ownership(address)", new_owner)

    def accept_ownership(self) -> bytes:
        """Takes an offered ownership."""
        return _calldata("accept_ownership()")

    def token_approve(self, spender: str, amount_nano: int) -> bytes:
        """Of the token: lets `spender` move the sender's NMR. From zero or to zero only."""
        return _calldata("approve(address,uint256)", spender, _units(amount_nano))

    def token_transfer(self, receiver: str, amount_nano: int) -> bytes:
        """Of the token: moves the sender's NMR."""
        return _calldata("transfer(address,uint256)", receiver, _units(amount_nano))


calls = Calls()


class Escrow:
    """A deployed escrow on the connected network. `gas` of a method is the transaction's gas limit
    (None: ape's setting for the network)."""

    def __init__(self, address: str, provider: ProviderAPI | None = None) -> None:
        self.address = to_checksum_address(address)
        self.provider = provider or ape.networks.provider
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

    def leave(self, *, sender: AccountAPI, gas: int | None = None) -> ReceiptAPI:
        """Every stake to the pool; whatever was signed before is dead."""
        return self.send(calls.leave(), sender, gas)

    def withdraw(
        self, amount_nano: int, *, sender: AccountAPI, gas: int | None = None
    ) -> ReceiptAPI:
        """Pays out of the sender's pool at once; `ALL` for everything withdrawable."""
        return self.send(calls.withdraw(amount_nano), sender, gas)

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
        """Announces the next round, or again what is left; `replaces` is the stored digest."""
        return self.send(calls.announce(round_number, replaces, digest), sender, gas)

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
        return self._send_large(calls.resolve(round_number, links, next_digest), sender, gas)

    def pay(
        self,
        requests: Sequence[int],
        due_accounts: Sequence[str],
        signatures: bytes,
        *,
        sender: AccountAPI,
        gas: int | None = None,
    ) -> ReceiptAPI:
        """Pays a batch of free withdrawals; `free_withdrawals` reads what became of each. `gas`
        None: what it would use now and a quarter more."""
        return self._send_large(calls.pay(requests, due_accounts, signatures), sender, gas)

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

    def position(self, account: str, block: int | None = None) -> Position:
        """Everything held for an account, and what of it can leave now."""
        returns = "((uint256" + ",uint256" * 7 + "))"
        (values,) = self._view("position(address)", returns, account, block=block)
        pool, staked, at_risk, withdrawable, due, nonce, round_number, period = values
        return Position(
            pool_nano=_nano(pool),
            staked_nano=_nano(staked),
            at_risk_nano=_nano(at_risk),
            withdrawable_nano=_nano(withdrawable),
            due_nano=_nano(due),
            nonce=nonce,
            round_number=round_number or None,
            period=period,
        )

    def stakes_of(self, account: str, block: int | None = None) -> dict[int, int]:
        """The stakes of an account in nano-NMR by model, without the zeros."""
        (stakes,) = self._view("stakes_of(address)", f"(uint256[{MODELS}])", account, block=block)
        return {model: _nano(stake) for model, stake in enumerate(stakes) if stake}

    def risks_of(self, account: str, block: int | None = None) -> tuple[Risk, ...]:
        """The open rounds that can still burn some of an account, ascending."""
        (risks,) = self._view(
            "risks_of(address)", "((uint256,uint256,uint256,uint256)[])", account, block=block
        )
        return tuple(Risk(r, _nano(bound), _nano(lock), end) for r, bound, lock, end in risks)

    def round_state(self, block: int | None = None) -> RoundState:
        """Where the weekly pass stands."""
        resolved, digest, announced_at = self._view(
            "round_state()", "(uint256,bytes32,uint256)", block=block
        )
        return RoundState(resolved, digest, announced_at)

    def reserve_nano(self, block: int | None = None) -> int:
        """What is set aside to pay earnings."""
        return _nano(self._view("reserve()", "(uint256)", block=block)[0])

    def burned_nano(self, block: int | None = None) -> int:
        """What passes have burned and `burn` has not yet sent to the burner."""
        return _nano(self._view("burned()", "(uint256)", block=block)[0])

    def domain(self) -> bytes:
        """The EIP-712 domain separator."""
        separator: bytes = self._view("domain()", "(bytes32)")[0]
        return separator

    def current_period(self, block: int | None = None) -> int:
        """The fortnight it is, counted from 1 at the deployment."""
        return int(self._view("current_period()", "(uint256)", block=block)[0])

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

    def balance_nano(self, holder: str, block: int | None = None) -> int:
        """A holder's NMR, rounded down to the nano."""
        units = self._view(
            "balanceOf(address)", "(uint256)", holder, to=self.terms().token, block=block
        )[0]
        return int(units) // BASE_UNITS_A_NANO

    def supply_nano(self) -> int:
        """All NMR that has not been destroyed, rounded down to the nano."""
        units = self._view("totalSupply()", "(uint256)", to=self.terms().token)[0]
        return int(units) // BASE_UNITS_A_NANO

    def allowance_nano(self, holder: str) -> int:
        """What the escrow may still take of a holder's NMR, rounded down to the nano."""
        units = self._view(
            "allowance(address,address)", "(uint256)", holder, self.address, to=self.terms().token
        )[0]
        return int(units) // BASE_UNITS_A_NANO

    def approve(self, amount_nano: int, *, sender: AccountAPI) -> list[ReceiptAPI]:
        """Lets the escrow take at least `amount_nano` of the sender's NMR; sends nothing if it may
        already. NMR refuses to change one allowance into another, so an old one is set to zero
        first: two transactions."""
        held_nano = self.allowance_nano(sender.address)
        if held_nano >= amount_nano:
            return []
        token = self.terms().token
        receipts = []
        if held_nano or self._has_dust(sender.address):
            receipts.append(self.send(calls.token_approve(self.address, 0), sender, to=token))
        receipts.append(self.send(calls.token_approve(self.address, amount_nano), sender, to=token))
        return receipts

    def token_transfer(self, receiver: str, amount_nano: int, *, sender: AccountAPI) -> ReceiptAPI:
        """Moves the sender's NMR to another holder, outside the escrow."""
        return self.send(calls.token_transfer(receiver, amount_nano), sender, to=self.terms().token)

    def _has_dust(self, holder: str) -> bool:
        units = self._view(
            "allowance(address,address)", "(uint256)", holder, self.address, to=self.terms().token
        )[0]
        return int(units) != 0

    # --- words, in bulk ---------------------------------------------------------------------

    def words(self, places: Sequence[tuple[str, int]], block: int | None = None) -> list[int]:
        """The stored words at (account, place): place 0 the account word, 1 to 16 the stake pages,
        32 + model the split words. In the order asked for."""
        slots = [word_slot(account, place, WORDS_SLOT) for account, place in places]
        values: list[int] = []
        for start in range(0, len(slots), READ_BATCH):
            values += self._read_slots(slots[start : start + READ_BATCH], block)
        return values

    def holdings(self, accounts: Iterable[str], block: int | None = None) -> list[Holding]:
        """The account words and stakes of many accounts, in the order asked for."""
        asked = list(accounts)
        fields = [unpack_account(word) for word in self.words([(a, 0) for a in asked], block)]
        places = [
            (account, page)
            for account, word in zip(asked, fields, strict=True)
            for page in range(1, min(word.pages, PAGES) + 1)
        ]
        pages = dict(zip(places, self.words(places, block), strict=True))
        return [
            Holding(account, word, _stakes_nano(account, word, pages))
            for account, word in zip(asked, fields, strict=True)
        ]

    def last_block(self) -> Block:
        """The newest block of the chain."""
        block = self._web3.eth.get_block("latest")
        return Block(int(block["number"]), int(block["timestamp"]))

    def accounts(self, first_block: int, last_block: int) -> Iterator[tuple[int, set[str]]]:
        """Every address that NMR was ever deposited for, from the contract's events: yields the
        last block read and the addresses found since the one before."""
        topic = _hex(event_signature_to_log_topic("Deposited(address,address,uint256)"))
        for start in range(first_block, last_block + 1, LOG_BLOCKS):
            end = min(start + LOG_BLOCKS - 1, last_block)
            logs = self._web3.eth.get_logs(
                {
                    "address": self.address,
                    "topics": [topic],
                    "fromBlock": start,
                    "toBlock": end,
                }
            )
            yield end, {to_checksum_address(bytes(log["topics"][1])[-20:]) for log in logs}

    # --- sending ----------------------------------------------------------------------------

    def send(
        self, calldata: bytes, sender: AccountAPI, gas: int | None = None, to: str | None = None
    ) -> ReceiptAPI:
        """Sends calldata to the escrow (or `to`) and waits for the receipt. Refused with the
        contract's words if it would revert: it is tried first, and nothing is sent then."""
        self.dry_run(calldata, sender.address, to)
        settings: dict[str, Any] = {} if gas is None else {"gas_limit": gas}
        with _refusals():
            transaction = self.provider.network.ecosystem.create_transaction(
                receiver=to or self.address, data=calldata, sender=sender.address, **settings
            )
            return sender.call(transaction)

    def _send_large(self, calldata: bytes, sender: AccountAPI, gas: int | None) -> ReceiptAPI:
        return self.send(calldata, sender, gas or self.gas_limit(calldata, sender.address))

    def dry_run(self, calldata: bytes, sender: str | None, to: str | None = None) -> bytes:
        """What a call would return now, without sending it; Refused if it would revert."""
        with _refusals():
            return self._eth_call(calldata, to or self.address, None, sender)

    def fits(self, calldata: bytes, sender: str) -> bool:
        """Whether a call stays within the gas of one transaction; one that the contract refuses
        for another reason does, and is refused when it is sent."""
        try:
            self.dry_run(calldata, sender)
        except OutOfGas:
            return False
        except Refused:
            return True
        return True

    def estimate_gas(self, calldata: bytes, sender: str) -> int:
        """The gas that a call would use now; Refused if it would revert."""
        with _refusals():
            transaction: Any = {"to": self.address, "data": _hex(calldata), "from": sender}
            return self._web3.eth.estimate_gas(transaction)

    def gas_limit(self, calldata: bytes, sender: str) -> int:
        """A gas limit for a large call: what it would use now and a quarter more, since others may
        change what it meets; Refused if it would revert."""
        return min(MAX_TRANSACTION_GAS, self.estimate_gas(calldata, sender) * 5 // 4)

    @property
    def _has_http(self) -> bool:
        return getattr(self.provider, "http_uri", None) is not None

    @property
    def _web3(self) -> Web3:
        web3: Web3 = self.provider.web3
        return web3

    def _view(
        self,
        signature: str,
        returns: str,
        *arguments: object,
        block: int | None = None,
        to: str | None = None,
    ) -> tuple[Any, ...]:
        with _refusals():
            answer = self._eth_call(
                _calldata(signature, *arguments), to or self.address, block, None
            )
        if not answer:
            raise InvalidInput(
                f"{to or self.address} does not answer {signature}: there is no escrow at this "
                "address on the connected network; check --network and the deployment's record"
            )
        return decode(_split_types(returns), answer)

    def _eth_call(self, calldata: bytes, to: str, block: int | None, sender: str | None) -> bytes:
        transaction: dict[str, Any] = {"to": to, "data": _hex(calldata)}
        if sender is not None:
            transaction |= {"from": sender, "gas": MAX_TRANSACTION_GAS}
        at: object = block
        if block is None:
            # anvil's last block may be hours old: what counts is the time a transaction would get
            fresh = self._has_http and is_local(self.provider)
            at = "pending" if fresh else "latest"
        return bytes(self._web3.eth.call(transaction, at))  # type: ignore[arg-type]

    def _read_slots(self, slots: Sequence[int], block: int | None) -> list[int]:
        if not self._has_http:
            # ape's in-process chain reads storage of its newest block only
            if block not in (None, self._web3.eth.block_number):
                raise InvalidInput(
                    f"the in-process chain keeps no words of block {block}: use anvil"
                )
            read = self._web3.eth.get_storage_at
            return [int.from_bytes(read(self.address, slot), "big") for slot in slots]
        where = "latest" if block is None else hex(block)
        batch: Any = self._web3.provider
        responses = batch.make_batch_request(
            [("eth_getStorageAt", [self.address, hex(slot), where]) for slot in slots]
        )
        for response in responses:
            if "result" not in response:
                raise InvalidInput(
                    f"the node cannot read storage at block {where} ({response.get('error')}): use "
                    "an archive node, or one that takes batches of requests"
                )
        return [int(response["result"], 16) for response in responses]


def free_withdrawals(logs: Iterable[Log]) -> list[FreeWithdrawals]:
    """The batches of free withdrawals among a receipt's logs."""
    batches = []
    for topics, data in _matching(logs, "FreeWithdrawals(uint256,uint256[],uint256)"):
        items, time = decode(["uint256[]", "uint256"], data)
        batches.append(
            FreeWithdrawals(int.from_bytes(topics[1], "big"), tuple(map(_item, items)), time)
        )
    return batches


def links_applied(logs: Iterable[Log]) -> list[LinkApplied]:
    """The links applied among a receipt's logs."""
    links = []
    for topics, data in _matching(logs, "LinkApplied(uint256,bytes,uint256)"):
        link, time = decode(["bytes", "uint256"], data)
        links.append(LinkApplied(int.from_bytes(topics[1], "big"), link, time))
    return links


def _matching(logs: Iterable[Log], signature: str) -> Iterator[tuple[list[bytes], bytes]]:
    wanted = event_signature_to_log_topic(signature)
    for log in logs:
        topics = [_raw(topic) for topic in log["topics"]]
        if topics and topics[0] == wanted:
            yield topics, _raw(log["data"])


def _raw(value: str | bytes) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)


def _item(word: int) -> Item:
    account = (word & ((1 << ACCOUNT_BITS) - 1)).to_bytes(20, "big")
    paid_nano = (word >> ACCOUNT_BITS) & ((1 << AMOUNT_BITS) - 1)
    # two spare bits stand between the amount and the reason
    return Item(to_checksum_address(account), paid_nano, Skip(word >> (ACCOUNT_BITS + 56)))


def _stakes_nano(
    account: str, word: AccountWord, pages: Mapping[tuple[str, int], int]
) -> dict[int, int]:
    stakes = {0: word.stake_nano}
    for page in range(1, word.pages + 1):
        for position, stake in enumerate(unpack_page(pages[account, page]).stakes_nano):
            stakes[4 * page - 3 + position] = stake
    return {model: stake for model, stake in stakes.items() if stake}


def _calldata(signature: str, *arguments: object) -> bytes:
    types = _split_types(signature[signature.index("(") :])
    return function_signature_to_4byte_selector(signature) + encode(types, arguments)


def _split_types(listed: str) -> list[str]:
    """The types between the outer brackets, those inside inner ones kept together."""
    types: list[str] = []
    depth = 0
    current = ""
    for letter in listed[1:-1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            types.append(current)
            current = ""
        else:
            current += letter
    return [*types, current] if current else types


def _units(amount_nano: int) -> int:
    if not 0 <= amount_nano <= MAX_UINT // BASE_UNITS_A_NANO:
        raise InvalidInput(f"{amount_nano} nano-NMR is no amount: give a whole number above zero")
    return amount_nano * BASE_UNITS_A_NANO


def _units_or_all(amount_nano: int) -> int:
    return MAX_UINT if amount_nano == ALL else _units(amount_nano)


def _nano(units: int) -> int:
    nano, rest = divmod(units, BASE_UNITS_A_NANO)
    if rest:
        raise InvalidInput(f"{units} base units are no whole nano-NMR: this is not a Sluice escrow")
    return nano


def _stakes(stakes_nano: Mapping[int, int]) -> tuple[list[int], list[int]]:
    models = sorted(stakes_nano)
    return models, [_units(stakes_nano[model]) for model in models]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (Web3RPCError, ContractLogicError, TransactionError, TransactionFailed) as error:
        if _OUT_OF_GAS.search(str(error)):
            raise OutOfGas("more gas than one transaction may use: send less at a time") from error
        if type(error) is Web3RPCError:
            raise
        raise Refused(_reason(error)) from error


def _reason(error: Exception) -> str:
    """The contract's words out of what provider and library wrap around them."""
    text = str(getattr(error, "revert_message", None) or getattr(error, "message", None) or error)
    for prefix in ("execution reverted: ", "revert: ", "Transaction failed: "):
        text = text.removeprefix(prefix)
    return text.strip() or "the transaction reverted without saying why"
