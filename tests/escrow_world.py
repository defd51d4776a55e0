"""A deployed escrow in boa's in-process chain, and the few moves that its tests share.

Amounts of the contract are token base units; `nano(x)` turns nano-NMR into them. Times are unix
seconds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import boa
import pytest
from eth_account import Account as Keys
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from sluice.ledger import Skip
from sluice.parameters import Parameters
from sluice.words import (
    MAX_AMOUNT_NANO,
    NO_DIGEST,
    SPLIT_PLACE,
    Entry,
    digest_chain,
    link_bytes,
    pack_account,
    pack_split,
    unpack_account,
    unpack_split,
    word_slot,
)
from tests.compiled import deployer_of, slot_of, stored_words, words_slot
from tests.messages import Instruction, Move, Withdrawal, relay_arguments, signatures_of

Message = TypeVar("Message", Withdrawal, Instruction)

NANO = 10**9
NMR = 10**18
MAX = 2**256 - 1
ZERO_ADDRESS = "0x" + "00" * 20
SUPPLY = 11_000_000 * NMR

FIRST_PASS = 10
PLAYED = FIRST_PASS + 4
"""The first round that can burn or earn anything: the first pass opens it."""
START = 1_700_000_000
DAY = 24 * 3600
WEEK = 7 * DAY
FORTNIGHT = 14 * DAY

STAKE = 10 * 10**9
"""What an account of the tests has on a model where nothing else is said, in nano-NMR."""

MAX_LINKS = 16
"""The most links that one `resolve` takes."""

ROLES = (
    "deployer",
    "owner",
    "operator",
    "guardian",
    "staker",
    "other_staker",
    "stranger",
    "newcomer",
)
_KEYS = {role: Keys.from_key(keccak(text=f"sluice test {role}")) for role in ROLES}


def role_address(role: str) -> str:
    """The address of a role, lower case as the ledger and the entries of a pass write it."""
    return str(_KEYS[role].address).lower()


def nano(amount_nano: int) -> int:
    """Nano-NMR as token base units."""
    return amount_nano * NANO


def now() -> int:
    """The time of the next call."""
    return int(boa.env.evm.patch.timestamp)


def set_time(time: int) -> None:
    """Moves the chain's time there."""
    boa.env.evm.patch.timestamp = time


@contextmanager
def on_chain(chain_id: int) -> Iterator[None]:
    """Within, the chain has another id. An anchor would not put it back."""
    before = boa.env.evm.patch.chain_id
    boa.env.evm.patch.chain_id = chain_id
    try:
        yield
    finally:
        boa.env.evm.patch.chain_id = before


def revert_reason(error: boa.BoaError) -> str:
    """The exact text of a refusal; empty if the call reverted without one."""
    output = bytes(error.call_trace.computation.output)
    if output[:4] != keccak(text="Error(string)")[:4]:
        return ""
    length = int.from_bytes(output[36:68], "big")
    return output[68 : 68 + length].decode()


@contextmanager
def refuses(message: str) -> Iterator[None]:
    """The call within reverts with exactly this text."""
    with pytest.raises(boa.BoaError) as refusal:
        yield
    assert revert_reason(refusal.value) == message


def item(account: str, amount_nano: int, skip: Skip) -> int:
    """An item as the event of `pay` reports it."""
    return int(account, 16) | amount_nano << 160 | int(skip) << 216


@dataclass(slots=True)
class World:
    """Token, burner, escrow, lens, and who is who."""

    token: Any
    burner: Any
    escrow: Any
    lens: Any
    parameters: Parameters
    watched: dict[str, str] = field(default_factory=dict)

    # --- time -------------------------------------------------------------------------------------

    def pass_time(self, round_number: int) -> int:
        """The nominal time of the pass over a round."""
        return self.parameters.pass_time(round_number)

    def to_pass(self, round_number: int) -> None:
        """Moves the time to the pass of a round, unless it is past already."""
        set_time(max(now(), self.pass_time(round_number)))

    def past_window(self) -> None:
        """Moves the time to the first second at which the announced round may be resolved."""
        set_time(max(now(), self.escrow.round_state()[2] + self.parameters.window_s))

    # --- money ------------------------------------------------------------------------------------

    def give(self, account: str, amount: int) -> None:
        """Base units out of the deployer's supply, approved for the escrow."""
        self.token.transfer(account, amount, sender=role_address("deployer"))
        self.token.approve(self.escrow, 0, sender=account)
        self.token.approve(self.escrow, SUPPLY, sender=account)

    def stake(self, account: str, stakes_nano: Mapping[int, int], pool_nano: int = 0) -> None:
        """Gives, deposits and stakes; what is in `pool_nano` stays in the pool."""
        amount = nano(sum(stakes_nano.values()) + pool_nano)
        self.give(account, amount)
        models = sorted(stakes_nano)
        if models:
            held = self.lens.stakes_of(account)
            stakes = [held[model] + nano(stakes_nano[model]) for model in models]
            self.escrow.deposit_and_stake(amount, models, stakes, sender=account)
        else:
            self.escrow.deposit(amount, sender=account)

    def fund(self, amount_nano: int) -> None:
        """Adds to the reserve."""
        self.give(role_address("owner"), nano(amount_nano))
        self.escrow.fund(nano(amount_nano), sender=role_address("owner"))

    def balances(self) -> dict[str, int]:
        """The token balance of everybody who matters."""
        return {name: self.token.balanceOf(address) for name, address in self.watched.items()}

    @contextmanager
    def moves(self, **changes: int) -> Iterator[None]:
        """Within, exactly these token balances change, by so many base units, and no other does."""
        before = self.balances()
        yield
        after = self.balances()
        changed = {name: after[name] - before[name] for name in before}
        assert {name: change for name, change in changed.items() if change} == {
            name: change for name, change in changes.items() if change
        }

    # --- what can be seen -------------------------------------------------------------------------

    def pool_nano(self, account: str) -> int:
        """The account's pool in nano-NMR."""
        return int(self.lens.position(account).pool) // NANO

    def stakes_nano(self, account: str) -> dict[int, int]:
        """The account's stakes in nano-NMR by model, no zeros."""
        stakes = enumerate(self.lens.stakes_of(account))
        return {model: stake // NANO for model, stake in stakes if stake}

    def withdrawable_nano(self, account: str) -> int:
        """What the account may withdraw now, in nano-NMR."""
        return int(self.lens.position(account).withdrawable) // NANO

    def due_nano(self, account: str) -> int:
        """What is due to the account, in nano-NMR, as the contract stores it; it is part of the
        pool, and the flag says whether there is any."""
        words = self.words(account)
        due_nano = unpack_split(words.get(SPLIT_PLACE, 0)).due_nano
        account_word = unpack_account(words.get(0, 0))
        assert account_word.flags >> 1 == (due_nano > 0)
        assert due_nano <= account_word.pool_nano
        return due_nano

    def at_risk_nano(self, account: str) -> int:
        """What the account's open rounds may still burn, in nano-NMR."""
        return int(self.lens.position(account).at_risk) // NANO

    def period(self, account: str) -> int:
        """The last period in which the account was paid, 0 if it never was."""
        return unpack_account(self.words(account).get(0, 0)).period

    def words(self, account: str) -> dict[int, int]:
        """The account's stored words by place."""
        return stored_words(self.escrow, account)

    def put(self, account: str, words: Mapping[int, int]) -> None:
        """Stores words by place where no call could put them in the time of a test."""
        for place, word in words.items():
            slot = word_slot(account, place, words_slot())
            boa.env.set_storage(self.escrow.address, slot, word)

    def put_due(self, account: str, due_nano: int) -> None:
        """Says that so much of the account's pool is due, as passes with a split would have."""
        words = self.words(account)
        account_word = unpack_account(words.get(0, 0))
        assert 0 < due_nano <= account_word.pool_nano
        split_word = unpack_split(words.get(SPLIT_PLACE, 0))
        flagged = replace(account_word, flags=account_word.flags | 2)
        due = replace(split_word, due_nano=due_nano)
        self.put(account, {0: pack_account(flagged), SPLIT_PLACE: pack_split(due)})

    def put_round(self, resolved: int, announced_at: int = 0) -> None:
        """Makes a round (its tournament number) the last one that is done."""
        for name, value in (
            ("_resolved", self.parameters.round_word(resolved)),
            ("_announced_at", announced_at),
        ):
            boa.env.set_storage(self.escrow.address, slot_of("rounds", name), value)

    def state(self) -> dict[str, Any]:
        """Everything that a call can change, for tests that show that nothing did."""
        return {
            "words": {name: self.words(address) for name, address in self.watched.items()},
            "round": tuple(self.escrow.round_state()),
            "reserve": self.escrow.reserve(),
            "burned": self.escrow.burned(),
            "balances": self.balances(),
            "roles": (self.escrow.owner(), self.escrow.operator(), self.escrow.guardian()),
            "pending_owner": self.escrow.pending_owner(),
            "paused_at": self.escrow.paused_at(),
        }

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Within, nothing changes: no word, no round, no balance, no role."""
        before = self.state()
        yield
        assert self.state() == before

    @contextmanager
    def unchanged_round(self) -> Iterator[None]:
        """Within, no account, no balance and no counter changes; a round may be announced."""
        before = self.state()
        yield
        after = self.state()
        before["round"], after["round"] = before["round"][0], after["round"][0]
        assert after == before

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The escrow's own events of the last call, in order, as (name, fields)."""
        events = []
        for log in self.escrow.get_logs(strict=False):
            fields = dict(log._asdict()) if hasattr(log, "_asdict") else {}
            if fields.pop("address", None) == self.escrow.address:
                plain = {
                    key: value.lower() if str(value).startswith("0x") else value
                    for key, value in fields.items()
                }
                events.append((type(log).__name__, plain))
        return events

    def skip_reasons(self) -> list[str]:
        """Why instructions of the last call were skipped, in order."""
        return [fields["reason"] for name, fields in self.events() if name == "InstructionSkipped"]

    # --- rounds -----------------------------------------------------------------------------------

    def announce(
        self, round_number: int, links: Sequence[bytes], tail: bytes = NO_DIGEST
    ) -> list[bytes]:
        """Announces `links` (and a rest with the digest `tail`) in place of whatever is stored;
        returns the chain of digests."""
        self.to_pass(round_number)
        chain = digest_chain(links, tail)
        stored = self.escrow.round_state()[1]
        self.escrow.announce(round_number, stored, chain[0], sender=role_address("operator"))
        return chain

    def run_pass(self, round_number: int, entries: Iterable[Entry] = (), a_link: int = 100) -> None:
        """The whole pass over a round: announced, waited for, resolved in one call."""
        listed = list(entries)
        links = [
            link_bytes(listed[index : index + a_link])
            for index in range(0, max(1, len(listed)), a_link)
        ]
        self.announce(round_number, links)
        self.past_window()
        for index in range(0, len(links), MAX_LINKS):
            batch = links[index : index + MAX_LINKS]
            next_digest = digest_chain(links[index + len(batch) :])[0]
            self.escrow.resolve(round_number, batch, next_digest, sender=role_address("stranger"))

    def resolve(self, round_number: int, links: Sequence[bytes]) -> None:
        """Announces the links, waits, and resolves them in one call."""
        self.announce(round_number, links)
        self.past_window()
        sender = role_address("stranger")
        self.escrow.resolve(round_number, list(links), NO_DIGEST, sender=sender)

    def veto(self) -> bytes:
        """The guardian strikes what is announced; returns the digest of what was left."""
        resolved, digest, _ = self.escrow.round_state()
        self.escrow.veto(resolved + 1, sender=role_address("guardian"))
        return bytes(digest)

    def open_rounds(self, *accounts: str) -> None:
        """The first four passes, with these accounts in them: as many rounds are open then as can
        be, and `PLAYED` is the next to be resolved."""
        self.run_passes(FIRST_PASS, PLAYED - 1, *accounts)

    def run_passes(self, first: int, last: int, *accounts: str) -> None:
        """Passes without a payout over the rounds first..last, with these accounts in them."""
        for round_number in range(first, last + 1):
            self.run_pass(round_number, [Entry(account) for account in accounts])

    # --- moves ------------------------------------------------------------------------------------

    def move(self, account: str, to: str) -> None:
        """Both steps of a move to another address, by transactions."""
        self.escrow.offer_move(to, sender=account)
        self.escrow.accept_move(account, sender=to)

    def relay_move(
        self, message: Move, signature: bytes, to_signature: bytes, **options: Any
    ) -> None:
        """Sends a move whose two signatures are as the contract takes them."""
        options.setdefault("sender", role_address("stranger"))
        self.escrow.relay_move(
            message.account, message.to, message.until, signature, to_signature, **options
        )

    # --- messages ---------------------------------------------------------------------------------

    def sign(
        self,
        message: Withdrawal | Instruction | Move,
        role: str,
        escrow: str | None = None,
        chain_id: int | None = None,
    ) -> bytes:
        """The signature of a role under a message, for this escrow and chain or another."""
        document = message.typed_data(
            escrow or str(self.escrow.address),
            chain_id or int(boa.env.evm.patch.chain_id),
        )
        return bytes(_KEYS[role].sign_message(encode_typed_data(full_message=document)).signature)

    def signed(self, message: Message, role: str) -> tuple[Message, bytes]:
        """A message and the signature of a role under it, as `relay` and `pay` take them here."""
        return message, self.sign(message, role)

    def relay(
        self, *signed: tuple[Instruction, bytes], **options: Any
    ) -> tuple[int, dict[str, str]]:
        """Relays a batch; returns the bitmap of what was applied, and the reasons of what was
        skipped by account."""
        instructions, signatures = relay_arguments(signed, wallets(signed))
        options.setdefault("sender", role_address("stranger"))
        self.escrow.relay(instructions, signatures, **options)
        *skipped, (name, fields) = self.events()
        assert name == "InstructionsRelayed"
        assert fields["instructions"] == instructions
        assert fields["time"] == now()
        return fields["applied"], {skip["account"]: skip["reason"] for _, skip in skipped}

    def pay(
        self, *signed: tuple[Withdrawal, bytes], due: Sequence[str] = (), **options: Any
    ) -> list[tuple[int, Skip]]:
        """Sends a batch of requests, then of accounts with something due; returns what was paid
        (nano-NMR) and why not, for each."""
        requests = [request.word() for request, _ in signed]
        signatures = signatures_of(signed, wallets(signed))
        self.escrow.pay(requests, list(due), signatures, sender=role_address("operator"), **options)
        ((_, fields),) = self.events()
        return [(word >> 160 & MAX_AMOUNT_NANO, Skip(word >> 216)) for word in fields["items"]]


def wallets(signed: Iterable[tuple[Message, bytes]]) -> set[str]:
    """The accounts that are contracts and have no key here."""
    keys = {role_address(role) for role in ROLES}
    accounts = {message.account for message, _ in signed} - keys
    return {account for account in accounts if boa.env.get_code(account)}


def deploy_world(
    token: str = "test/StandInNmr.vy",
    first_pass: int = FIRST_PASS,
    first_pass_time: int = START,
    round_length: int = WEEK,
    window: int = DAY,
    grace: int = 3 * WEEK,
    cap_bps: int = 2_500,
) -> World:
    """A fresh token, burner, escrow and lens, deployed at `first_pass_time` with the usual
    parameters."""
    set_time(first_pass_time)
    deployer = role_address("deployer")
    with boa.env.prank(deployer):
        arguments = (False,) if token == "test/StandInNmr.vy" else ()
        token_contract = deployer_of(token).deploy(*arguments)
        burner = deployer_of("NmrBurner.vy").deploy(token_contract)
        escrow = deployer_of("Escrow.vy").deploy(
            token_contract,
            burner,
            role_address("owner"),
            role_address("operator"),
            role_address("guardian"),
            first_pass,
            first_pass_time,
            round_length,
            window,
            grace,
            cap_bps,
        )
        lens = deployer_of("Lens.vy").deploy(escrow)
    watched = {role: role_address(role) for role in ROLES}
    watched |= {"escrow": escrow.address, "burner": burner.address}
    parameters = Parameters(
        first_pass, first_pass_time, first_pass_time, round_length, window, grace, cap_bps
    )
    return World(token_contract, burner, escrow, lens, parameters, watched)
