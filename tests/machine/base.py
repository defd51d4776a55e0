"""What all rules of the stateful machine share: two books led by the same steps, a third one kept
from the events, and what the machine itself counts.

Amounts in nano-NMR, times in unix seconds."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import boa
from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from sluice.account import bound_nano
from sluice.book import Position
from sluice.errors import Refused
from sluice.ledger import Ledger
from sluice.words import NO_DIGEST, PAYOUT_BIAS_NANO, Entry
from tests.compiled import deployer_of
from tests.drivers import Driver, EscrowDriver, LedgerDriver, Seen
from tests.escrow_world import NANO, NMR, START, World, deploy_world, role_address, set_time
from tests.event_book import EventBook
from tests.hostile import HOSTILE_WALLETS, make_hostile
from tests.token_model import TokenModel

STAND_IN = "test/StandInNmr.vy"
HELD_NANO = 10**15
"""What each account has outside at first: a million NMR."""

KEYS = ("staker", "other_staker", "stranger", "newcomer")
"""Who has an account and a key; the last one holds nothing at first."""
WALLET_KEY = "deployer"
"""Whose signature the contract wallet takes."""
HOLDERS = (*KEYS, "wallet")
"""Every account: the keys' and a contract wallet's."""
STAFF = ("owner", "operator", "guardian")

# the account word, both ends of the first page, the second, and the last model there is
MODELS = (0, 1, 4, 5, 64)

holders = st.sampled_from(HOLDERS)
signers = st.sampled_from((*KEYS, WALLET_KEY))
anybody = st.sampled_from((*KEYS, *STAFF))
models = st.sampled_from(MODELS)
permille = st.integers(0, 1_000)
amounts = st.one_of(st.sampled_from([1, 2**18 * 4, 2**18 * 4 + 1, 10**9]), st.integers(1, 10**14))

_worlds: dict[str, World] = {}
REACHED: Counter[tuple[str, str]] = Counter()
"""How often each external went through (under "") or was refused, by reason, in all runs of this
process."""
COUNTS: Counter[str] = Counter()
"""Examples and steps in all runs of this process."""


def world_on(token: str) -> World:
    """One deployment for all examples: what they do is taken back after each."""
    if token not in _worlds:
        boa.env.enable_fast_mode()
        world = deploy_world(token)
        with boa.env.prank(role_address("deployer")):
            wallet = deployer_of("test/HostileWallet.vy").deploy()
        world.watched["wallet"] = wallet.address.lower()
        for name in (*HOLDERS, *STAFF):
            world.give(world.watched[name], HELD_NANO * NANO)
        _worlds[token] = world
    return _worlds[token]


class Base(RuleBasedStateMachine):
    """The books and the counts; no rule yet."""

    token: ClassVar[str] = STAND_IN
    passes_at_the_start: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = world = world_on(self.token)
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.addresses = {name: world.watched[name] for name in HOLDERS}
        self.names = {address: name for name, address in self.addresses.items()}
        self.outsiders = [*self.addresses.values(), *map(role_address, STAFF)]
        self.nmr = TokenModel(str(world.escrow.address), str(world.burner.address))
        for address in self.outsiders:
            self.nmr.give(address, HELD_NANO)
            self.nmr.allowances_nano[address] = world.token.allowance(address, world.escrow) // NANO
        wallet = self.addresses["wallet"]
        self.wallet = deployer_of("test/HostileWallet.vy").at(world.watched["wallet"])
        self.wallet_code = boa.env.get_code(self.wallet.address)
        self.contract = EscrowDriver(world)
        self.contract.wallets = {wallet}
        self.book = LedgerDriver(world.parameters, self.nmr)
        self.event_book = EventBook(world.parameters)
        self.set_wallet(None)
        self.now = START
        # what the operator published: links not yet applied, those applied, the digest behind them
        self.links: list[bytes] = []
        self.applied: list[bytes] = []
        self.tail = NO_DIGEST
        # what the machine itself counts
        self.earned_nano = 0
        self.reserve_moves_nano = 0
        self.rounds_ended = 0
        self.in_pass: set[tuple[int, str]] = set()
        self.openings: dict[tuple[str, int], int] = {}
        self.touched: set[str] = set()
        self.moved = False
        self.looks = 0
        self.fees_were_kept = False
        self.refused = False
        self.refusal: str | None = None
        self.before: Seen | None = None
        self.seen = self.book.seen(list(self.addresses.values()))

    def teardown(self) -> None:
        try:
            self.at_the_end()
        finally:
            REACHED.update(self.contract.answers)
            COUNTS.update(examples=1, steps=self.looks)
            self.anchor.__exit__(None, None, None)
            # boa remembers writes by address beyond the anchor and would search through all of them
            boa.env.sstore_trace.clear()
            super().teardown()

    def at_the_end(self) -> None:
        """What has to be possible from every state."""

    # --- leading both -----------------------------------------------------------------------------

    def both(self, step: Callable[[Driver], Any], touches: Iterable[str] = ()) -> Any:
        """The step on both books: the same answer or the same refusal. None if refused. `touches`:
        the accounts that it may change, and no others."""
        self.contract.now = self.book.now = self.now
        answers = []
        for driver in (self.book, self.contract):
            try:
                answers.append((step(driver), None))
            except Refused as refusal:
                answers.append((None, str(refusal)))
        assert answers[0] == answers[1], answers
        answer, refusal = answers[0]
        self.refused, self.refusal = refusal is not None, refusal
        if refusal is not None:
            if currently_in_test_context():
                note(f"refused: {refusal or 'without words'}")
            return None
        self.event_book.read(self.world.events())
        self.touched.update(touches)
        return answer

    @property
    def ledger(self) -> Ledger:
        """The reference model."""
        return self.book.ledger

    @property
    def round_number(self) -> int:
        """The round whose pass comes next."""
        return self.ledger.resolved + 1

    def position(self, address: str) -> Position:
        """An account now."""
        return self.ledger.position(address, self.now)

    def positions(self) -> dict[str, Position]:
        """Every account now."""
        return {address: self.position(address) for address in self.addresses.values()}

    def address_of(self, name: str) -> str:
        """Of an account or of a key with a role at the start."""
        return self.addresses.get(name) or role_address(name)

    # --- the contract wallet ----------------------------------------------------------------------

    def set_wallet(self, hostile: str | None) -> None:
        """Makes the wallet honest, or hostile in one of the ways there are."""
        boa.env.set_code(self.wallet.address, self.wallet_code)
        set_time(START)
        if hostile is None:
            self.wallet.be_honest(role_address(WALLET_KEY))
        else:
            assert hostile in HOSTILE_WALLETS
            make_hostile(self.wallet, hostile)
        self.book.wallets[self.addresses["wallet"]] = WALLET_KEY if hostile is None else None

    def signer_of(self, name: str) -> str:
        """The role whose signature is the account's."""
        return WALLET_KEY if name == "wallet" else name

    # --- rounds -----------------------------------------------------------------------------------

    def entries(self, drawn: dict[str, dict[int, int]]) -> list[Entry]:
        """Payouts in thousandths of each account's bound, spread over its models, as entries."""
        entries = []
        for name, shares in drawn.items():
            account = self.addresses[name]
            risks = self.ledger.account(account).risks_units
            bound = bound_nano(risks.get(self.round_number, 0))
            per_model = {
                # 1,001 thousandths: one nano over the bound
                model: (bound + 1) * (1 if share > 0 else -1)
                if abs(share) > 1_000
                else bound * share // 1_000 // len(shares)
                for model, share in shares.items()
            }
            entries.append(
                Entry(account, {m: p for m, p in per_model.items() if abs(p) < PAYOUT_BIAS_NANO})
            )
        return entries


assert HELD_NANO * NANO == 10**6 * NMR
