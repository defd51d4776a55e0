"""What participants have to do so that recorded stakes come about, and what they must not."""

from collections import Counter
from collections.abc import Sequence

import pytest

from sluice import history, rounds
from sluice.account import bound_nano
from sluice.errors import InvalidInput
from sluice.history import Change, History, Kind, ModelRound, Step, read_history
from sluice.inputs import RoundTable, Row, read_rounds
from sluice.ledger import Ledger
from sluice.parameters import Parameters
from sluice.registry import Registry, extend, with_accounts
from sluice.words import NO_DIGEST, OPEN_ROUNDS, RISK_UNIT_NANO, digest_chain, link_bytes
from tests.real_rounds import needs_rounds_225_260, real_rounds_file

FIRST = 11
"""The first recorded round of the tables below; its pass opens round 15."""
NMR = 10**9
STAKER = f"0x{0x11:040x}"
OTHER_STAKER = f"0x{0x22:040x}"
REGISTRY = with_accounts(Registry(), {"dew": STAKER, "fog": OTHER_STAKER})
PARAMETERS = Parameters(
    first_pass=FIRST - OPEN_ROUNDS, first_pass_time=1_700_604_800, deployed_at=1_700_000_000
)


def table(rows: Sequence[tuple[int, str, str, int, int]], unresolved: int = 10**6) -> RoundTable:
    """Rows of round, account, model, stake and payout in nano-NMR; rounds from `unresolved` on are
    not resolved."""
    held: dict[int, list[Row]] = {}
    for number, (round_number, account, model, stake, payout) in enumerate(rows, start=2):
        row = Row(
            number, round_number, account, model, payout, stake, resolved=round_number < unresolved
        )
        held.setdefault(round_number, []).append(row)
    return RoundTable("rounds.csv", "", {r: tuple(found) for r, found in held.items()})


def kept(stakes: Sequence[int], payout: int = 0, model: str = "dew") -> list[tuple]:
    """One model's rows from round FIRST on; the payout is the first round's."""
    return [
        (FIRST + i, "dew", model, stake, payout if i == 0 else 0)
        for i, stake in enumerate(stakes)
        if stake
    ]


def history_of(rows: Sequence[tuple], unresolved: int = 10**6) -> History:
    made = table(rows, unresolved)
    return read_history(made, extend(REGISTRY, made))


class Run:
    """A replay on the ledger alone: which steps were taken, and the stakes at each opening."""

    def __init__(self, recorded: History, parameters: Parameters = PARAMETERS) -> None:
        self.recorded = recorded
        self.ledger = Ledger(parameters)
        self.before: dict[int, list[Step]] = {}
        self.withdrawn: dict[int, list[Step]] = {}
        self.after: dict[int, list[Step]] = {}
        self.max_difference_nano = 0
        self.compounded = 0
        for number in recorded.passes:
            self._run_pass(number)

    def _run_pass(self, number: int) -> None:
        ledger, parameters = self.ledger, self.ledger.parameters
        opens_at = parameters.pass_time(number)
        now = opens_at - 3600
        self.before[number] = history.steps_before(self.recorded, ledger, number)
        history.apply_steps(ledger, self.before[number], now)
        self.withdrawn[number] = history.withdrawals(self.recorded, ledger, number, now)
        history.apply_steps(ledger, self.withdrawn[number], now)

        payouts = {
            (account, model): amount
            for account, models in self.recorded.payouts_nano.get(number, {}).items()
            for model, amount in models.items()
        }
        staked = {account: held.staked_nano for account, held in ledger.accounts.items()}
        entries = rounds.entries(payouts, staked, 0)
        bounds = {
            account: bound_nano(held.risks_units.get(number, 0))
            for account, held in ledger.accounts.items()
        }
        rounds.check_bounds(entries, bounds)
        links = [link_bytes(link) for link in rounds.links(entries)]
        earned_nano = history.earnings_nano(entries)
        if earned_nano:
            ledger.fund(earned_nano)
        ledger.announce(number, NO_DIGEST, digest_chain(links)[0], opens_at)
        ledger.resolve(number, links, NO_DIGEST, opens_at + parameters.window_s)

        opened = number + OPEN_ROUNDS
        if opened <= self.recorded.last_round:
            for at in history.compounded(self.recorded, opened):
                staked_nano = ledger.account(at.account).stakes_nano.get(at.model, 0)
                difference = abs(staked_nano - self.recorded.stake(at))
                self.max_difference_nano = max(self.max_difference_nano, difference)
                self.compounded += 1
        self.after[number] = history.steps_after(self.recorded, number)
        history.apply_steps(ledger, self.after[number], now)

    def sets(self) -> set[ModelRound]:
        """Every model-round that some step set a stake for."""
        return {
            ModelRound(step.account, model, number + OPEN_ROUNDS)
            for taken in (self.before, self.after)
            for number, steps in taken.items()
            for step in steps
            for model in step.stakes_nano
        }


def test_only_recorded_accounts_take_their_pool_out() -> None:
    """Others may hold NMR in the same escrow; what they do is their own."""
    recorded = history_of(kept([4 * NMR]))
    ledger = Ledger(PARAMETERS)
    ledger.deposit(STAKER, 3)
    ledger.deposit(OTHER_STAKER, 5)
    steps = history.withdrawals(recorded, ledger, FIRST - OPEN_ROUNDS, PARAMETERS.first_pass_time)
    assert steps == [Step(STAKER, Kind.WITHDRAW, 3)]


def test_a_stake_that_compounded_is_never_set() -> None:
    """The payout of round 11 arrives in its pass, which opens round 15: nothing is sent for it."""
    run = Run(history_of(kept([40 * NMR] * 4 + [43 * NMR] * 2, payout=3 * NMR)))
    first = FIRST - OPEN_ROUNDS
    assert run.before[first] == [
        Step(STAKER, Kind.DEPOSIT_AND_STAKE, 40 * NMR, {0: 40 * NMR}),
    ]
    assert not any(run.before[number] for number in range(first + 1, FIRST + 2))
    assert (run.compounded, run.max_difference_nano) == (2, 0)
    assert run.ledger.account(STAKER).stakes_nano == {0: 43 * NMR}


@pytest.mark.parametrize("difference", [-1_000, 1_000])
def test_what_doubles_lose_is_no_change(difference: int) -> None:
    recorded = history_of(kept([40 * NMR] * 4 + [43 * NMR + difference], payout=3 * NMR))
    assert history.changes(recorded, FIRST + 4) == {}
    assert len(list(history.compounded(recorded, FIRST + 4))) == 1


@pytest.mark.parametrize("difference", [-1_001, 1_001])
def test_more_than_that_is_a_change(difference: int) -> None:
    recorded = history_of(kept([40 * NMR] * 4 + [43 * NMR + difference], payout=3 * NMR))
    assert history.changes(recorded, FIRST + 4) == {STAKER: Change({0: 40 * NMR + difference}, {})}
    assert list(history.compounded(recorded, FIRST + 4)) == []
    assert len(list(history.staked_twice(recorded, FIRST + 4))) == 1


def test_before_the_fifth_round_nothing_counts_as_compounded() -> None:
    """Payouts of the rounds before the file are not known."""
    recorded = history_of(kept([40 * NMR] * 4))
    for number in range(FIRST, FIRST + 4):
        assert list(history.staked_twice(recorded, number)) == []
        assert list(history.compounded(recorded, number)) == []


def test_an_increase_takes_the_pool_first_then_a_deposit_of_the_exact_rest() -> None:
    recorded = history_of([*kept([40 * NMR, 50 * NMR])])
    ledger = Ledger(PARAMETERS)
    ledger.deposit_and_stake(STAKER, 43 * NMR, {0: 40 * NMR})
    number = FIRST + 1 - OPEN_ROUNDS
    steps = history.steps_before(recorded, ledger, number)
    assert steps == [Step(STAKER, Kind.DEPOSIT_AND_STAKE, 7 * NMR, {0: 50 * NMR})]

    ledger.deposit(STAKER, 10 * NMR)
    steps = history.steps_before(recorded, ledger, number)
    assert steps == [Step(STAKER, Kind.SET_STAKES, 0, {0: 50 * NMR})]


def test_a_decrease_goes_to_the_pool_and_leaves_as_it_frees() -> None:
    """A quarter of what was taken off frees itself with each pass, and is withdrawn before the
    next (S27, S45); a lock is rounded down by up to two units."""
    run = Run(history_of(kept([80 * NMR] * 4 + [40 * NMR] * 6)))
    assert run.before[FIRST] == [Step(STAKER, Kind.SET_STAKES, 0, {0: 40 * NMR})]
    taken = {n: sum(s.amount_nano for s in steps) for n, steps in run.withdrawn.items() if steps}
    assert sum(taken.values()) == 40 * NMR
    for number in range(FIRST + 1, FIRST + 5):
        assert taken[number] == pytest.approx(10 * NMR, abs=8 * RISK_UNIT_NANO)
    assert sum(taken.get(n, 0) for n in range(FIRST + 1)) <= 8 * RISK_UNIT_NANO


def test_a_model_moved_to_another_needs_no_deposit() -> None:
    """S3: NMR taken off one model is on the other in the same round."""
    rows = [*kept([40 * NMR, 0, 0]), *[(FIRST + i, "dew", "new", 40 * NMR, 0) for i in (1, 2)]]
    run = Run(history_of(rows))
    assert run.before[FIRST + 1 - OPEN_ROUNDS] == [
        Step(STAKER, Kind.SET_STAKES, 0, {0: 0, 1: 40 * NMR})
    ]


def test_a_gone_models_burn_comes_from_the_pool() -> None:
    """The other model's stake, which the data shows untouched, is not asked to pay."""
    first = kept([40 * NMR], payout=-10 * NMR)
    other = [(FIRST + i, "dew", "other", 20 * NMR, 0) for i in range(5)]
    run = Run(history_of([*first, *other]))
    assert run.ledger.account(STAKER).stakes_nano == {1: 20 * NMR}
    assert run.ledger.burned_nano == 10 * NMR
    taken = sum(s.amount_nano for steps in run.withdrawn.values() for s in steps)
    assert run.ledger.account(STAKER).pool_nano + taken == 30 * NMR
    assert not any(step.kind is Kind.DEPOSIT for steps in run.before.values() for step in steps)


def test_what_the_pool_lacks_for_a_gone_models_burn_is_deposited() -> None:
    """Here the stake was withdrawn to the last nano long before its burn came."""
    rows = [
        (FIRST, "dew", "dew", 40 * NMR, -10 * NMR),
        *[(FIRST + i, "dew", "other", 500 * NMR, 0) for i in range(5)],
    ]
    recorded = history_of(rows)
    ledger = Ledger(PARAMETERS)
    ledger.deposit_and_stake(STAKER, 504 * NMR, {1: 500 * NMR})
    assert history.steps_before(recorded, ledger, FIRST) == [Step(STAKER, Kind.DEPOSIT, 6 * NMR)]


def test_a_gone_models_earning_goes_to_the_pool_and_is_withdrawn() -> None:
    run = Run(history_of([*kept([40 * NMR], payout=10 * NMR), (12, "fog", "fog", NMR, 0)]))
    assert run.ledger.account(STAKER).stakes_nano == {}
    taken = sum(
        step.amount_nano
        for steps in run.withdrawn.values()
        for step in steps
        if step.account == STAKER
    )
    assert run.ledger.account(STAKER).pool_nano + taken == 50 * NMR


def test_a_stake_below_the_payout_of_its_own_pass_is_set_right_after_it() -> None:
    """One nano stays on the model before, so that the earning returns to it."""
    run = Run(history_of(kept([40 * NMR] * 4 + [2 * NMR], payout=3 * NMR)))
    assert run.before[FIRST] == [Step(STAKER, Kind.SET_STAKES, 0, {0: 1})]
    assert run.after[FIRST] == [Step(STAKER, Kind.SET_STAKES, 0, {0: 2 * NMR})]
    assert run.ledger.account(STAKER).stakes_nano == {0: 2 * NMR}
    assert run.compounded == 0


def test_a_stake_that_is_the_payout_of_its_own_pass_keeps_one_nano() -> None:
    run = Run(history_of(kept([40 * NMR] * 4 + [3 * NMR], payout=3 * NMR)))
    assert run.before[FIRST] == [Step(STAKER, Kind.SET_STAKES, 0, {0: 1})]
    assert run.after[FIRST] == []
    assert run.ledger.account(STAKER).stakes_nano == {0: 3 * NMR + 1}


def test_the_replay_ends_before_the_pass_of_an_unresolved_round() -> None:
    """Rounds that are not resolved may open; their payouts count for nothing."""
    rows = kept([40 * NMR] * 4 + [43 * NMR] * 4, payout=3 * NMR)
    recorded = history_of(rows, unresolved=FIRST + 1)
    assert (recorded.last_pass, recorded.last_round) == (FIRST, FIRST + 7)
    run = Run(recorded)
    assert run.ledger.resolved == FIRST
    assert max(run.ledger.account(STAKER).risks_units) == FIRST + OPEN_ROUNDS


def test_a_stake_under_a_nano_is_none() -> None:
    recorded = history_of([*kept([40 * NMR]), (FIRST, "fog", "fog", 0, 0)])
    assert recorded.accounts == [STAKER]


def test_a_file_that_cannot_be_replayed_is_refused() -> None:
    """Naming the file and what to do, before anything is sent."""
    with pytest.raises(InvalidInput, match=r"rounds.csv: no rows"):
        history_of([])
    with pytest.raises(InvalidInput, match=r"round 12 is missing between 11 and 13"):
        history_of([(11, "dew", "dew", NMR, 0), (13, "dew", "dew", NMR, 0)])
    with pytest.raises(InvalidInput, match=r"starts at round 4.*leave out the rounds before 5"):
        history_of([(4, "dew", "dew", NMR, 0)])
    with pytest.raises(InvalidInput, match=r"round 11 is not resolved"):
        history_of(kept([NMR, NMR]), unresolved=FIRST)
    no_stakes = RoundTable("rounds.csv", "", {FIRST: (Row(2, FIRST, "dew", "dew", 1),)})
    with pytest.raises(InvalidInput, match=r"no column stake; add it"):
        read_history(no_stakes, extend(REGISTRY, no_stakes))


@needs_rounds_225_260
def test_rounds_225_to_260_on_the_ledger() -> None:
    """Every stake that only compounded comes out by itself: 48,760 of 53,234 model-rounds that are
    staked twice, within 0.00001 NMR; 34 stakes are set right after their pass."""
    path = real_rounds_file()
    assert path is not None
    made = read_rounds(path)
    names = sorted({row.account for rows in made.rounds.values() for row in rows})
    addresses = {name: f"0x{number:040x}" for number, name in enumerate(names, start=1)}
    recorded = read_history(made, extend(with_accounts(Registry(), addresses), made))
    twice = sum(1 for r in range(225, 261) for _ in history.staked_twice(recorded, r))
    alone = {at for r in range(225, 261) for at in history.compounded(recorded, r)}
    assert (len(alone), twice) == (48_760, 53_234)

    parameters = Parameters(
        first_pass=221, first_pass_time=1_700_604_800, deployed_at=1_700_000_000
    )
    run = Run(recorded, parameters)
    assert run.compounded == 48_760
    assert run.max_difference_nano <= 10_000
    assert sum(len(step.stakes_nano) for steps in run.after.values() for step in steps) == 34
    assert not alone & run.sets()
    kinds = Counter(step.kind for steps in run.before.values() for step in steps)
    assert kinds[Kind.DEPOSIT] <= 1, "a gone model's burn is nearly always covered by its pool"
