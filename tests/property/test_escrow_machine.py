"""Contract and ledger led by the same random steps, with all state compared after each.

The rules stand in `tests/machine/`, the invariants are numbered as in docs/accounting.md.
HYPOTHESIS_PROFILE=long searches deeper, `make fuzz` as long as one likes."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, run_state_machine_as_test
from vyper.compiler.output import build_abi_output

from tests.compiled import deployer_of
from tests.machine.base import COUNTS, REACHED, STAND_IN, world_on
from tests.machine.batches import BatchRules
from tests.machine.hostile import HOSTILE_TOKENS, TokenRules
from tests.machine.invariants import Invariants
from tests.machine.rounds import RoundRules

NEVER_REFUSED = {"leave", "offer_move"}
"""Nothing can be wrong with them: no equity is above what a pool can hold."""

ENOUGH = 20
"""Of so many examples each external is in one at least."""

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
    """And reaches every external that changes anything, both ways."""
    run_state_machine_as_test(FullSwing, settings=profile(20))

    assert unreached() == [] or settings().max_examples < ENOUGH


def unreached() -> list[str]:
    """The externals of the contract that no rule has led through, or into a refusal."""
    abi = build_abi_output(deployer_of("Escrow.vy").compiler_data)
    changing = {
        each["name"]
        for each in abi
        if each["type"] == "function" and each["stateMutability"] == "nonpayable"
    }
    through = {name for name, reason in REACHED if not reason}
    refused = {name for name, reason in REACHED if reason} | NEVER_REFUSED
    missing = [f"{name} never went through" for name in sorted(changing - through)]
    return missing + [f"{name} was never refused" for name in sorted(changing - refused)]


@pytest.mark.parametrize("token", HOSTILE_TOKENS)
def test_contract_agrees_with_ledger_on_a_hostile_token(token: str) -> None:
    """I15: whatever a token does in a transfer, what fails changes nothing, and what succeeds is
    what the ledger says."""

    class OnHostileToken(TokenRules, EscrowMachine):
        pass

    OnHostileToken.token = token
    world_on(token)
    run_state_machine_as_test(OnHostileToken, settings=profile(5))
