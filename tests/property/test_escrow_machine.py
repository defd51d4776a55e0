"""Contract and ledger led by the same random steps, with all state compared after each.

The rules stand in `tests/machine/`, the invariants are numbered as in docs/accounting.md.
HYPOTHESIS_PROFILE=long searches deeper, `make fuzz` as long as one likes."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, run_state_machine_as_test
from vyper.compiler.output import build_abi_output

from sluice.ledger import ALL
from tests.compiled import deployer_of
from tests.machine.base import COUNTS, REACHED, STAND_IN, world_on
from tests.machine.batches import BatchRules, Drawn
from tests.machine.hostile import HOSTILE_TOKENS, TokenRules
from tests.machine.invariants import Invariants
from tests.machine.rounds import RoundRules

NEVER_REFUSED = {"leave", "offer_move"}
"""Nothing can be wrong with them: no equity is above what a pool can hold."""

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")

pytestmark = [
    # a wallet that destroys itself, of which py-evm warns
    pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning"),
    pytest.mark.timeout(900 if PROFILE == "ci" else 0),
]


class EscrowMachine(BatchRules, RoundRules, Invariants):
    """Every external of the contract, in any order, from the first pass on."""

    @initialize()
    def start(self) -> None:
        """Everybody but the newcomer has stakes, the reserve is full, some rounds are open."""
        self.stakes_and_reserve()
        self.some_rounds_are_open()


class FullSwing(EscrowMachine):
    """From the first round that can earn and burn on."""

    passes_at_the_start = 4


@pytest.fixture(scope="module", autouse=True)
def _world() -> Iterator[None]:
    """Outside of the examples, each of which boa takes back. Tells `tools/fuzz.py` at the end."""
    world_on(STAND_IN)
    yield
    if told := os.environ.get("FUZZ_REACHED"):
        reached = [[name, reason, count] for (name, reason), count in REACHED.items()]
        counts = {**COUNTS, "cpu_s": time.process_time()}
        Path(told).write_text(json.dumps({"counts": counts, "reached": reached}))


def profile(examples: int) -> settings:
    """So many short runs in the tests that everybody waits for, twenty being most; else as many as
    the profile says where twenty stand, and longer ones."""
    if PROFILE == "ci":
        return settings(max_examples=examples, stateful_step_count=30)
    most: int = settings().max_examples
    return settings(max_examples=max(1, most * examples // 20), stateful_step_count=60)


def test_contract_agrees_with_ledger_from_the_first_pass() -> None:
    run_state_machine_as_test(EscrowMachine, settings=profile(10))


def test_contract_agrees_with_ledger_in_full_swing() -> None:
    run_state_machine_as_test(FullSwing, settings=profile(20))


def test_rules_lead_every_external_through_and_into_a_refusal() -> None:
    """Whatever hypothesis draws, the rules can reach every external of the ABI both ways."""
    machine = FullSwing()
    try:
        machine.start()
        for step in walk(machine):
            step()
            machine.everything_holds()
        answers = set(machine.contract.answers)
    finally:
        machine.teardown()

    abi = build_abi_output(deployer_of("Escrow.vy").compiler_data)
    changing = {
        each["name"]
        for each in abi
        if each["type"] == "function" and each["stateMutability"] == "nonpayable"
    }
    assert changing - {name for name, reason in answers if not reason} == set()
    assert changing - {name for name, reason in answers if reason} == NEVER_REFUSED


def walk(m: FullSwing) -> list[Callable[[], object]]:
    """Rules with arguments that lead somewhere."""
    drawn = Drawn("staker", None, 0, None, {0: 500}, {1: ()}, None)
    forged = replace(drawn, signer="stranger")
    return [
        lambda: m.deposit("staker", 5),
        lambda: m.deposit_for("staker", "wallet", 5),
        lambda: m.deposit_and_stake("staker", 5, 1, 500),
        lambda: m.set_stakes("wallet", {0: 500, 64: 500}, True),
        lambda: m.set_too_much("wallet", 0, 1),
        lambda: m.set_split("staker", 0, ((0, 5_000), (255, 5_000))),
        lambda: m.set_split("staker", 65, ()),
        lambda: m.relay([drawn, forged]),
        lambda: m.the_wallet_turns("burns all gas"),
        lambda: m.relay([replace(drawn, name="wallet")]),
        lambda: m.the_wallet_turns(None),
        lambda: m.cancel_instructions("staker", 1),
        lambda: m.cancel_instructions("staker", 1_001),
        lambda: m.interrupted_pass({"staker": {0: 900}}, {"wallet": {0: -900}}, 1, True, "veto"),
        lambda: m.losing_pass({"stranger": -500}),
        lambda: m.burn(),
        lambda: m.whole_pass({"other_staker": {0: 1_001}}, 0),
        lambda: m.veto("stranger", 0),
        lambda: m.veto(None, 0),
        lambda: m.pay([("stranger", None, ALL, 0, 99)], ["staker"], None),
        lambda: m.pay([], ["staker"], "stranger"),
        lambda: m.cancel_withdrawal("other_staker", True),
        lambda: m.leave("other_staker"),
        lambda: m.withdraw("other_staker", 500, 0),
        lambda: m.withdraw("other_staker", 1_000, 1),
        lambda: m.accept_move("staker", None, 2, True),
        lambda: m.accept_move("stranger", None, 0, True),
        lambda: m.relay_move("wallet", "staker", None, None, "stranger", True),
        lambda: m.relay_move("staker", None, "to_signer", None, "stranger", True),
        lambda: m.deposit_what_there_is("stranger", 1, 2),
        lambda: m.while_paused("staker", False),
        lambda: m.pause(None),
        lambda: m.unpause(None, False),
        lambda: m.unpause(None, False),
        lambda: m.fund(5, "operator"),
        lambda: m.fund_too_much(True),
        lambda: m.withdraw_reserve(500, 0, None),
        lambda: m.withdraw_reserve(500, 0, "stranger"),
        lambda: m.appoint(None, "stranger", True),
        lambda: m.appoint(None, "staker", False),
        lambda: m.appoint("stranger", "staker", True),
        lambda: m.appoint("stranger", "staker", False),
        lambda: m.transfer_ownership("stranger", "staker", False),
        lambda: m.transfer_ownership(None, "staker", True),
        lambda: m.accept_ownership("owner"),
    ]


@pytest.mark.parametrize("token", HOSTILE_TOKENS)
def test_contract_agrees_with_ledger_on_a_hostile_token(token: str) -> None:
    """I15: whatever a token does in a transfer, what fails changes nothing, and what succeeds is
    what the ledger says."""

    class OnHostileToken(TokenRules, EscrowMachine):
        pass

    OnHostileToken.token = token
    world_on(token)
    run_state_machine_as_test(OnHostileToken, settings=profile(5))
