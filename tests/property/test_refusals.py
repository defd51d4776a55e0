"""Where a step is wrong in two ways, contract and ledger name the same one."""

from collections.abc import Callable, Iterator

import boa
import pytest

from sluice.errors import Refused
from sluice.words import MAX_AMOUNT_NANO, NO_DIGEST, Entry, digest_chain, link_bytes, pack_entry
from tests.drivers import Driver, EscrowDriver, LedgerDriver
from tests.escrow_world import FIRST_PASS, START, World, deploy_world, role_address

STAKER = role_address("staker")
OWNER = role_address("owner")
TOO_MUCH = MAX_AMOUNT_NANO + 1


@pytest.fixture(scope="module")
def deployed() -> World:
    boa.env.enable_fast_mode()
    return deploy_world()


@pytest.fixture
def both(deployed: World) -> Iterator[tuple[Driver, Driver]]:
    with boa.env.anchor():
        contract, book = EscrowDriver(deployed), LedgerDriver(deployed.parameters)
        contract.now = book.now = START
        yield contract, book
    boa.env.sstore_trace.clear()


def _again_and_pages_out_of_order(driver: Driver) -> None:
    first = link_bytes([Entry(STAKER)])
    (word,) = pack_entry(Entry(STAKER))
    second = b"".join(each.to_bytes(32, "big") for each in (word | 2 << 214, 2 << 216, 1 << 216))
    driver.announce(FIRST_PASS, NO_DIGEST, digest_chain([first, second])[0])
    driver.now += 24 * 3600
    driver.resolve(FIRST_PASS, [first, second], NO_DIGEST)


def _withdraw_reserve_while_announced(driver: Driver) -> None:
    driver.announce(FIRST_PASS, NO_DIGEST, digest_chain([b""])[0])
    driver.withdraw_reserve(TOO_MUCH)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda d: d.resolve(FIRST_PASS + 1, [], NO_DIGEST), "resolve: give at least one link"),
        (lambda d: d.fund(TOO_MUCH), "amount: does not fit 54 bits of nano-NMR"),
        (lambda d: d.withdraw(STAKER, TOO_MUCH), "amount: does not fit 54 bits of nano-NMR"),
        (_withdraw_reserve_while_announced, "amount: does not fit 54 bits of nano-NMR"),
        (
            _again_and_pages_out_of_order,
            "entry 00 of link 01: account is already in this pass",
        ),
        (
            lambda d: d.set_stakes(STAKER, {65: TOO_MUCH, 1: 1}),
            "amount: does not fit 54 bits of nano-NMR",
        ),
        (lambda d: d.set_stakes(STAKER, {65: 1, 1: 1}), "models: numbered 0 to 64"),
        (lambda d: d.set_split(STAKER, 65, ((65, 1),)), "models: numbered 0 to 64"),
        (
            lambda d: d.set_split(STAKER, 65, tuple((m, 1) for m in range(9))),
            "split: at most 8 destinations",
        ),
    ],
)
def test_contract_and_ledger_name_the_same_refusal(
    both: tuple[Driver, Driver], step: Callable[[Driver], None], message: str
) -> None:
    for driver in both:
        with pytest.raises(Refused) as refused:
            step(driver)
        assert str(refused.value) == message
