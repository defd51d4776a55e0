"""What operator, guardian and owner do while accounts leave: nothing any more, or their worst.

The worst is of two kinds that exclude each other: keys that want to keep NMR in the escrow never
let a round end, keys that want to destroy it burn as much as each round may."""

from abc import ABC, abstractmethod
from enum import StrEnum

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sluice.account import bound_nano
from sluice.calls import calls
from sluice.rehearsal.stage import Stage
from sluice.words import MODELS, NO_DIGEST, Entry


class Power(StrEnum):
    """What the keys want."""

    DELAY = "delay"
    BURN = "burn"


class Keys(ABC):
    """The keys of an escrow; `deeds` is what they did, in order, each once."""

    tick_s: int | None = None
    """How often something new can happen; None: only deadlines change anything."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.deeds: list[str] = []

    @abstractmethod
    def act(self) -> None:
        """Whatever they can do at this moment."""

    def _did(self, deed: str) -> None:
        if deed not in self.deeds:
            self.deeds.append(deed)


class KeysGone(Keys):
    """Nobody has them any more."""

    def act(self) -> None:
        """Nothing."""


class _Hostile(Keys):
    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.parameters = stage.deployment.parameters
        # accounts look once in each window, and so do keys that never let one end
        self.tick_s = max(1, self.parameters.window_s * 23 // 24)
        self.owner = stage.escrow.owner()
        self.operator = stage.escrow.operator()
        self.guardian = stage.escrow.guardian()

    def _take_the_reserve(self) -> None:
        """At a moment when nothing is announced."""
        reserve_nano = self.stage.escrow.reserve_nano()
        if reserve_nano:
            self.stage.send(self.owner, calls.withdraw_reserve(reserve_nano), "withdraw_reserve")
            self._did("the owner takes the reserve")


class KeysDelay(_Hostile):
    """They let no round end: in one week the operator, who is another each time, announces digests
    without links and the guardian vetoes them, in the next everything is paused."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.began_at = stage.chain.time()
        self.week = -1

    def act(self) -> None:
        """Before any window ends it starts again, so that nobody can resolve anything."""
        stage, now = self.stage, self.stage.chain.time()
        week = (now - self.began_at) // self.parameters.round_length_s
        if week != self.week:
            self.week = week
            self._begin(paused=week % 2 == 1, now=now)
        state = stage.escrow.round_state()
        number = state.resolved + 1
        if state.announced_at:
            stage.send(self.guardian, calls.veto(number), "veto")
            self._did("the guardian vetoes whatever is announced")
        self._take_the_reserve()
        if week % 2 == 1 or now < self.parameters.pass_time(number):
            return
        nobody_knows = keccak(text=f"links that nobody knows, at {now}")
        stage.send(self.operator, calls.announce(number, NO_DIGEST, nobody_knows), "announce")
        self._did("the operator announces digests that no links lead to, before each window ends")

    def _begin(self, paused: bool, now: int) -> None:
        """The next week: another operator; a pause that is over or still on makes room."""
        stage = self.stage
        if stage.escrow.paused_at():
            stage.send(self.owner, calls.unpause(), "unpause")
        if paused:
            stage.send(self.guardian, calls.pause(), "pause")
            self._did("the guardian pauses every other week, and the owner lets it")
        self.operator = to_checksum_address(keccak(text=f"operator at {now}")[-20:])
        stage.send(self.owner, calls.set_operator(self.operator), "set_operator")
        self._did("the owner replaces the operator every week")


class KeysBurn(_Hostile):
    """They burn as much of every account as each round may, as soon as each round may be resolved.
    The guardian lets it pass."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.batches: list[list[bytes]] = []

    def act(self) -> None:
        """Announces the worst pass, or resolves it once its window is over."""
        state = self.stage.escrow.round_state()
        now = self.stage.chain.time()
        if not state.announced_at:
            self._take_the_reserve()
        if self.batches:
            if now >= state.announced_at + self.parameters.window_s:
                self.stage.resolve(self.batches)
                self.batches = []
                self._did("everybody's bound is burned in every round, once its window is over")
            return
        if now >= self.parameters.pass_time(state.resolved + 1):
            self.batches = self.stage.announce(self._worst(), self.operator)

    def _worst(self) -> list[Entry]:
        book = self.stage.escrow.ledger(self.stage.accounts.values())
        number = book.resolved + 1
        entries = []
        for account in sorted(self.stage.accounts.values(), key=lambda each: int(each, 16)):
            held = book.account(account)
            if held.round_number == number:
                continue
            bound = bound_nano(held.risks_units.get(number, 0))
            entries.append(Entry(account, {MODELS - 1: -bound} if bound else {}))
        return entries
