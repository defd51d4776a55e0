"""Where the gas of one more item goes: by kind of work and by source line.

    python tools/gas_profile.py pay_signed

Each case is run with 8 and with 24 items on a chain whose storage stays warm: what cold words and
addresses and the transaction's calldata cost comes on top, and `make bench` has the whole. Calls
include what they call.
"""

import argparse
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import boa
from eth_account import Account
from eth_account.messages import encode_typed_data
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sluice.words import NO_DIGEST, POOL, WALLET, Entry, link_bytes

# the tests are no package, and another of that name may be installed
_TESTS = ModuleSpec("tests", None, is_package=True)
_TESTS.submodule_search_locations = [str(Path(__file__).resolve().parent.parent / "tests")]
sys.modules["tests"] = module_from_spec(_TESTS)

from tests.escrow_world import FIRST_PASS, World, deploy_world  # noqa: E402
from tests.messages import Instruction, Withdrawal  # noqa: E402

FEW, MANY = 8, 24
NMR = 10**9
KINDS = {
    "SLOAD": "storage",
    "SSTORE": "storage",
    "SHA3": "hashing",
    "CALL": "calls",
    "STATICCALL": "calls",
}
CODE = "code"


@dataclass(frozen=True)
class Cost:
    """Gas of one call: by kind of work, and by (file, line)."""

    kinds: Counter[str]
    lines: Counter[tuple[str, int]]


class Traced:
    """An opcode that notes where it ran and how much gas was left."""

    def __init__(self, opcode: Any, steps: list[tuple[int, str, int]]) -> None:
        self.opcode = opcode
        self.mnemonic = getattr(opcode, "mnemonic", type(opcode).__name__)
        self.gas_cost = getattr(opcode, "gas_cost", 0)
        self.steps = steps

    def __call__(self, computation: Any) -> Any:
        if computation.msg.depth == 0:
            left = computation._gas_meter.gas_remaining
            self.steps.append((computation.code.program_counter - 1, self.mnemonic, left))
        return self.opcode(computation=computation)


def cost(escrow: Any, call: Callable[[], object]) -> Cost:
    """What one call to the escrow costs."""
    kind = boa.env.evm.vm.state.computation_class
    usual, steps = kind.opcodes, []
    kind.opcodes = {number: Traced(opcode, steps) for number, opcode in usual.items()}
    try:
        call()
    finally:
        kind.opcodes = usual
    nodes = escrow.source_map["pc_raw_ast_map"]
    places = sorted(nodes)
    kinds: Counter[str] = Counter()
    lines: Counter[tuple[str, int]] = Counter()
    for (place, mnemonic, left), (_, _, after) in pairwise(steps):
        node = nodes[places[bisect_right(places, place) - 1]]
        kinds["logs" if mnemonic.startswith("LOG") else KINDS.get(mnemonic, CODE)] += left - after
        lines[Path(node.module_node.path).name, node.lineno] += left - after
    return Cost(kinds, lines)


def accounts(count: int) -> list[Any]:
    """Keys of as many accounts, in the order in which a pass lists them."""
    keys = [Account.from_key((number + 77).to_bytes(32, "big")) for number in range(count)]
    return sorted(keys, key=lambda key: int(key.address, 16))


def staked(world: World, keys: Sequence[Any], stakes: dict[int, int], split: Any = None) -> None:
    """Accounts with a pool, these stakes and five passes behind them, that have signed before."""
    world.fund(10**6 * NMR)
    for key in keys:
        world.stake(key.address, stakes, pool_nano=50 * NMR)
        if split:
            world.escrow.set_split(0, *split, sender=key.address)
        world.escrow.cancel_instructions(3, sender=key.address)
    for number in range(FIRST_PASS, FIRST_PASS + 5):
        world.run_pass(number, [Entry(key.address.lower()) for key in keys])


def passed(
    stakes: dict[int, int], payouts: Sequence[dict[int, int]], split: Any = None
) -> Callable[[World, Sequence[Any]], Callable[[], object]]:
    """A pass with these payouts in turn."""

    def prepare(world: World, keys: Sequence[Any]) -> Callable[[], object]:
        staked(world, keys, stakes, split)
        turns = [payouts[place % len(payouts)] for place in range(len(keys))]
        entries = [Entry(key.address.lower(), turn) for key, turn in zip(keys, turns, strict=True)]
        links = [link_bytes(entries)]
        world.announce(FIRST_PASS + 5, links)
        world.past_window()
        return lambda: world.escrow.resolve(FIRST_PASS + 5, links, NO_DIGEST)

    return prepare


def pay_due(world: World, keys: Sequence[Any]) -> Callable[[], object]:
    """What a pass has sent to the wallets."""
    staked(world, keys, {0: 100 * NMR}, ([WALLET], [10_000]))
    world.run_pass(FIRST_PASS + 5, [Entry(key.address.lower(), {0: NMR}) for key in keys])
    due = [key.address for key in keys]
    return lambda: world.escrow.pay([], due, b"", sender=world.watched["operator"])


def pay_signed(world: World, keys: Sequence[Any]) -> Callable[[], object]:
    """Requests signed by keys."""
    staked(world, keys, {0: 100 * NMR})
    period = world.lens.current_period()
    requests = [Withdrawal(key.address, NMR, period) for key in keys]
    given = [_signed(world, *each) for each in zip(requests, keys, strict=True)]
    return lambda: world.pay(*given)


def relay_rebalance(world: World, keys: Sequence[Any]) -> Callable[[], object]:
    """A move of stake between two models, signed by keys."""
    staked(world, keys, {0: 100 * NMR, 1: 100 * NMR})
    moved = {0: 90 * NMR, 1: 110 * NMR}
    messages = [Instruction(key.address, 3, moved) for key in keys]
    given = [_signed(world, *each) for each in zip(messages, keys, strict=True)]
    return lambda: world.relay(*given)


def _signed(world: World, message: Any, key: Any) -> tuple[Any, bytes]:
    chain_id = int(boa.env.evm.patch.chain_id)
    document = message.typed_data(str(world.escrow.address), chain_id)
    return message, bytes(key.sign_message(encode_typed_data(full_message=document)).signature)


THREE_WAYS = ([POOL, WALLET, 1], [3_333, 3_333, 3_334])
CASES = {
    "resolve_one_model": passed({0: 100 * NMR}, [{0: NMR}, {0: -NMR}]),
    "resolve_two_models": passed(
        {0: 100 * NMR, 1: 100 * NMR}, [{0: NMR, 1: -NMR}, {0: -NMR, 1: NMR}]
    ),
    "resolve_split": passed({0: 100 * NMR, 1: NMR}, [{0: NMR}, {0: -NMR}], THREE_WAYS),
    "pay_due": pay_due,
    "pay_signed": pay_signed,
    "relay_rebalance": relay_rebalance,
}


def main() -> None:
    """Prints two tables for each case named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("case", nargs="*", choices=[*CASES, []], help="default: all of them")
    parser.add_argument("--lines", type=int, default=25, help="how many lines to show")
    asked = parser.parse_args()
    for name in asked.case or CASES:
        few, many = (_measured(name, count) for count in (FEW, MANY))
        each = MANY - FEW
        show(f"{name}: one more item", _slope(few.kinds, many.kinds, each), str, asked.lines)
        show(f"{name}: by line", _slope(few.lines, many.lines, each), _source, asked.lines)


def _measured(name: str, count: int) -> Cost:
    with boa.env.anchor():
        world = deploy_world()
        call = CASES[name](world, accounts(count))
        return cost(world.escrow, call)


def _slope(few: Counter[Any], many: Counter[Any], each: int) -> dict[Any, int]:
    return {key: round((many[key] - few[key]) / each) for key in many}


def show(title: str, gas: dict[Any, int], label: Callable[[Any], str], most: int) -> None:
    """The dearest first."""
    table = Table(title, "gas", title_justify="left")
    table.columns[1].justify = "right"
    for key, each in sorted(gas.items(), key=lambda pair: -pair[1])[:most]:
        if each:
            table.add_row(escape(label(key)), f"{each:,}")
    table.add_row("all", f"{sum(gas.values()):,}")
    Console(width=130).print(table)


def _source(place: tuple[str, int]) -> str:
    name, line = place
    found = next(Path("contracts").rglob(name), None)
    if found is None:
        return f"{name}:{line}"
    return f"{name}:{line} {found.read_text().splitlines()[line - 1].strip()[:90]}"


if __name__ == "__main__":
    main()
