"""Known-answer histories, made by a statement of the rules that was written apart from this
project: ledger and contract agree with every step.

The files stand beside the project; SLUICE_VECTORS names another folder that holds them."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boa
import pytest

from sluice.errors import Refused
from sluice.ledger import ALL
from sluice.parameters import Parameters
from sluice.words import (
    NO_DIGEST,
    OPEN_ROUNDS,
    PAGES,
    Entry,
    digest_chain,
    link_bytes,
    page_models,
    unpack_account,
    unpack_page,
)
from tests.drivers import Driver, EscrowDriver, LedgerDriver, Seen
from tests.escrow_world import NMR, SUPPLY, deploy_world, role_address

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SLUICE_VECTORS", ROOT.parent / "shared" / "vectors"))
FILES = ("core.jsonl", "splits.jsonl")
"""Earnings that go back to their models; earnings under splits, and what they make due."""
CHUNKS = 12

each_history = pytest.mark.parametrize(
    "file",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                not (FOLDER / name).is_file(),
                reason=f"left out: no {name} of known answers; name its folder in SLUICE_VECTORS",
            ),
        )
        for name in FILES
    ],
)


def histories(file: str, chunk: int) -> Iterator[dict[str, Any]]:
    """Every CHUNKS-th history of a file."""
    for line in (FOLDER / file).read_text().splitlines()[chunk::CHUNKS]:
        yield json.loads(line)


def address_of(name: str) -> str:
    """An address for an account of the file."""
    return "0x" + name.encode().hex().rjust(40, "0")


def parameters_of(history: Mapping[str, Any]) -> Parameters:
    """What the history was made with."""
    return Parameters(
        history["first_pass"],
        history["first_pass_time"],
        history["first_pass_time"],
        history["round_length"],
        history["window"],
        history["grace"],
        history["cap_bps"],
    )


def link_of(step: Mapping[str, Any]) -> bytes:
    """The one link of a `resolve` step."""
    return link_bytes(
        Entry(
            address_of(entry["account"]),
            {int(model): payout for model, payout in entry["payouts"].items()},
        )
        for entry in step["entries"]
    )


class Announcements:
    """The digests of a history: links of a round that were announced at the same time, up to the
    one that is refused, make one chain."""

    def __init__(self, steps: list[dict[str, Any]]) -> None:
        self.heads: dict[int, bytes] = {}
        self.next_digests: dict[int, bytes] = {}
        group: list[int] = []
        for index, step in enumerate(steps):
            if step["do"] != "resolve":
                continue
            if group and self._key(steps[group[0]]) != self._key(step):
                self._close(steps, group)
                group = []
            group.append(index)
            if step.get("refused") or step["ends"]:
                self._close(steps, group)
                group = []
        if group:
            self._close(steps, group)

    @staticmethod
    def _key(step: Mapping[str, Any]) -> tuple[int, int]:
        return step["round"], step["announced"]

    def _close(self, steps: list[dict[str, Any]], group: list[int]) -> None:
        # what is announced and never comes in the history is any rest
        tail = NO_DIGEST if steps[group[-1]]["ends"] else b"\x01" * 32
        chain = digest_chain([link_of(steps[index]) for index in group], tail)
        self.heads[group[0]] = chain[0]
        for place, index in enumerate(group):
            self.next_digests[index] = chain[place + 1]


def do(driver: Driver, step: Mapping[str, Any], next_digest: bytes | None) -> None:
    """One step of a history; raises Refused."""
    account = address_of(step["account"]) if "account" in step else ""
    if step["do"] == "deposit":
        driver.deposit(account, step["amount"])
    elif step["do"] == "set_stakes":
        stakes = sorted((int(model), stake) for model, stake in step["stakes"].items())
        driver.set_stakes(account, dict(stakes))
    elif step["do"] == "set_split":
        split = tuple(zip(step["destinations"], step["shares"], strict=True))
        driver.set_split(account, step["model"], split)
    elif step["do"] == "withdraw":
        driver.withdraw(account, ALL if step["amount"] == "all" else step["amount"])
    elif step["do"] == "leave":
        driver.leave(account)
    elif step["do"] == "resolve":
        assert next_digest is not None
        driver.resolve(step["round"], [link_of(step)], next_digest)
    else:
        assert step["do"] == "wait"


def answer(seen: Seen, parameters: Parameters, now: int) -> dict[str, Any]:
    """What was seen, in the words of the file."""
    resolved = seen.round_state[0]
    accounts = {}
    for address, position in seen.positions.items():
        words = seen.words[address]
        account = unpack_account(words.get(0, 0))
        stakes = {0: account.stake_nano}
        for page in range(1, PAGES + 1):
            stakes |= dict(
                zip(page_models(page), unpack_page(words.get(page, 0)).stakes_nano, strict=True)
            )
        last = position.round_number or 0
        first_open = max(last, resolved) + 1
        risks = {
            str(round_number): units
            for round_number in range(first_open, last + OPEN_ROUNDS + 1)
            if now <= parameters.deadline(round_number)
            and (units := account.risks_units[parameters.round_word(round_number) % OPEN_ROUNDS])
        }
        accounts[address] = {
            "pool": position.pool_nano,
            "due": position.due_nano,
            "stakes": {str(model): stake for model, stake in stakes.items() if stake},
            "round": last,
            "at_risk": position.at_risk_nano,
            "withdrawable": position.withdrawable_nano,
            "risk_units": risks,
        }
    return {
        "accounts": accounts,
        "burned": seen.burned_nano,
        "reserve": seen.reserve_nano,
        "resolved": resolved,
    }


def follow(driver: Driver, history: Mapping[str, Any]) -> None:
    """Every step of a history, compared with its answer."""
    parameters = parameters_of(history)
    announcements = Announcements(history["steps"])
    for index, step in enumerate(history["steps"]):
        where = f"history {history['seed']}, step {index}: {step['do']}"
        if index in announcements.heads:
            driver.now = step["announced"]
            stored = driver.seen([]).round_state[1]
            driver.announce(step["round"], stored, announcements.heads[index])
        driver.now = step["now"]
        if step.get("refused"):
            before = driver.seen([])
            with pytest.raises(Refused):
                do(driver, step, announcements.next_digests.get(index))
            assert driver.seen([]) == before, where
        else:
            do(driver, step, announcements.next_digests.get(index))

        after = step["after"]
        expected = after | {
            "accounts": {address_of(name): state for name, state in after["accounts"].items()}
        }
        seen = driver.seen(list(expected["accounts"]))
        assert answer(seen, parameters, step["now"]) == expected, where


@each_history
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_ledger_agrees_with_every_step(file: str, chunk: int) -> None:
    """S3 S6 S27 S40 S45 S46 N2 N9: release, restaking, exit, burns, splits and what is due, in
    histories made elsewhere."""
    for history in histories(file, chunk):
        driver = LedgerDriver(parameters_of(history))
        driver.fund(history["reserve"])
        follow(driver, history)


@each_history
@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_contract_agrees_with_every_step(file: str, chunk: int) -> None:
    """S3 S6 S27 S40 S45 S46 N2 N9: the same histories through transactions, each on a fresh
    escrow."""
    for history in histories(file, chunk):
        with boa.env.anchor():
            world = deploy_world(
                first_pass=history["first_pass"],
                first_pass_time=history["first_pass_time"],
                round_length=history["round_length"],
                window=history["window"],
                grace=history["grace"],
                cap_bps=history["cap_bps"],
            )
            driver = EscrowDriver(world)
            world.fund(history["reserve"])
            names = sorted({step["account"] for step in history["steps"] if "account" in step})
            left = world.token.balanceOf(role_address("deployer")) // NMR
            for name in names:
                world.token.transfer(
                    address_of(name), left // len(names) * NMR, sender=role_address("deployer")
                )
                world.token.approve(world.escrow, SUPPLY, sender=address_of(name))
            follow(driver, history)
        # boa would go on to search through every write of the histories before
        boa.env.sstore_trace.clear()
