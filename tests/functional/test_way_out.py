"""The way out where amounts, models and counters are at their end."""

from dataclasses import replace

import pytest

from sluice.words import (
    MAX_NONCE,
    MAX_RISK_UNITS,
    MAX_ROUND_WORD,
    MODELS,
    OPEN_ROUNDS,
    POOL,
    SPLIT_PLACE,
    WALLET,
    Entry,
    digest_chain,
    link_bytes,
    pack_split,
    unpack_account,
    unpack_split,
)
from tests.escrow_world import (
    FIRST_PASS,
    FORTNIGHT,
    MAX,
    NANO,
    PLAYED,
    SUPPLY,
    World,
    nano,
    now,
    refuses,
    role_address,
    set_time,
)
from tests.messages import Instruction

BLOCK_GAS = 16_777_216
"""What one transaction may use (EIP-7825)."""
EQUITY_NANO = 65 * 10**9
EVERYWHERE = ((POOL, 1_250), (WALLET, 1_250), *((model, 1_250) for model in range(59, 65)))
"""A split with as many destinations as there may be, most of them models."""


def gets_out(world: World, staker: str, resolved: int, whole_nano: int) -> None:
    """Leaves, withdraws in the second after each deadline that is to come, and has everything
    after four weeks and the grace."""
    had, gone_at, gas = world.token.balanceOf(staker), now(), []
    world.escrow.leave(sender=staker)
    gas.append(world.escrow._computation.get_gas_used())
    paid = 0
    deadlines = [world.parameters.deadline(resolved + ahead) for ahead in range(1, OPEN_ROUNDS + 1)]
    for time in [gone_at, *(deadline + 1 for deadline in deadlines)]:
        set_time(max(now(), time))
        if world.withdrawable_nano(staker):
            world.escrow.withdraw(MAX, sender=staker)
            gas.append(world.escrow._computation.get_gas_used())
            paid = now()

    assert world.token.balanceOf(staker) - had == nano(whole_nano)
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (0, {})
    bound = OPEN_ROUNDS * world.parameters.round_length_s + world.parameters.grace_s
    assert paid <= gone_at + bound
    assert max(gas) < BLOCK_GAS // 10


def test_way_out_with_every_model_and_every_split(world: World, staker: str) -> None:
    """N2 S45: 65 models, each with a split of eight destinations, four open rounds."""
    world.stake(staker, dict.fromkeys(range(MODELS), 10**9))
    for model in range(MODELS):
        destinations, shares = zip(*EVERYWHERE, strict=True)
        world.escrow.set_split(model, list(destinations), list(shares), sender=staker)
    world.open_rounds(staker)

    gets_out(world, staker, FIRST_PASS + 3, EQUITY_NANO)


def test_way_out_in_the_middle_of_a_pass(world: World, staker: str, other_staker: str) -> None:
    """N5: the operator stopped between two links: the account that was in it already risks the four
    rounds after, the other still the one under way; both are out in time."""
    for account in (staker, other_staker):
        world.stake(account, {0: 10**9, 64: 10**9})
    world.open_rounds(staker, other_staker)
    links = [link_bytes([Entry(staker)]), link_bytes([Entry(other_staker, {64: -1})])]
    world.announce(FIRST_PASS + 4, links)
    world.past_window()
    rest = digest_chain(links[1:])[0]
    world.escrow.resolve(FIRST_PASS + 4, links[:1], rest, sender=role_address("stranger"))
    stopped_at = now()

    gets_out(world, staker, FIRST_PASS + 4, 2 * 10**9)
    set_time(stopped_at)
    gets_out(world, other_staker, FIRST_PASS + 3, 2 * 10**9)


def test_way_out_of_the_whole_supply(world: World, staker: str) -> None:
    """N2: all NMR there is, in one account; its risks are as high as their words go."""
    whole_nano = SUPPLY // NANO
    world.stake(staker, {0: whole_nano // 2, 64: whole_nano // 2})
    world.open_rounds(staker)
    word = unpack_account(world.words(staker)[0])
    assert word.risks_units == (MAX_RISK_UNITS,) * OPEN_ROUNDS

    gets_out(world, staker, FIRST_PASS + 3, whole_nano)


@pytest.mark.parametrize("late", [False, True])
def test_way_out_after_39_years(world: World, staker: str, late: bool) -> None:
    """N2: the last rounds that there are were opened, nobody can announce or pay any more, and the
    deadlines come as ever; as well, years later."""
    last = world.parameters.round_number(MAX_ROUND_WORD)
    world.stake(staker, {0: 10**9, 5: 10**9}, pool_nano=7)
    world.put_round(last - OPEN_ROUNDS)
    world.run_passes(last - OPEN_ROUNDS + 1, last, staker)
    assert world.at_risk_nano(staker) > 0
    if late:
        set_time(now() + 1_000 * FORTNIGHT)

    digest = digest_chain([b""])[0]
    set_time(max(now(), world.parameters.pass_time(last + 1)))
    with refuses("announce: rounds are at their end, use withdraw()"):
        world.escrow.announce(last + 1, b"\0" * 32, digest, sender=role_address("operator"))
    if late:
        with refuses("pay: periods are at their end, use withdraw()"):
            world.escrow.pay([], [staker], b"", sender=role_address("operator"))
    gets_out(world, staker, last, 2 * 10**9 + 7)


def test_way_out_with_the_nonces_used_up(world: World, staker: str) -> None:
    """S21: nothing that was signed can stake again what left, since no nonce is left to sign
    with."""
    world.stake(staker, {0: 10**9})
    words = world.words(staker)
    split_word = replace(unpack_split(words.get(SPLIT_PLACE, 0)), nonce=MAX_NONCE)
    world.put(staker, {SPLIT_PLACE: pack_split(split_word)})
    world.open_rounds(staker)
    world.escrow.leave(sender=staker)

    signed = world.signed(Instruction(staker, MAX_NONCE, {0: 10**9}, {}), "staker")
    applied, reasons = world.relay(signed)

    assert applied == 0
    assert reasons == {
        staker: "instruction: nonces are used up, use set_stakes and set_split",
    }
    gets_out(world, staker, FIRST_PASS + 3, 10**9)


def test_way_out_pays_what_is_due_at_once(world: World, staker: str) -> None:
    """S27: what splits sent to the wallet leaves on the first day, also where burns have left open
    rounds uncovered and nothing else is free."""
    world.stake(staker, {0: 10 * 10**9}, pool_nano=10**9)
    world.open_rounds(staker)
    world.put_due(staker, 10**9)
    world.run_pass(PLAYED, [Entry(staker, {0: -25 * 10**8})])
    world.escrow.leave(sender=staker)
    assert world.at_risk_nano(staker) > world.pool_nano(staker)

    assert world.escrow.withdraw(MAX, sender=staker) == nano(10**9)
    gets_out(world, staker, PLAYED, 75 * 10**8)


def test_way_out_while_everything_else_is_paused(
    world: World, staker: str, guardian: str, owner: str
) -> None:
    """N5: the guardian pauses week after week, the owner allows it each time, and what was
    announced is vetoed: deposits, passes and batches stand still, the way out and its clocks do
    not."""
    world.stake(staker, {0: 10**9, 64: 10**9})
    world.open_rounds(staker)
    world.announce(PLAYED, [link_bytes([Entry(staker)])])
    world.escrow.veto(PLAYED, sender=guardian)
    world.escrow.pause(sender=guardian)
    left_at = now()
    world.escrow.leave(sender=staker)

    out = 0
    for week in range(1, 8):
        set_time(left_at + week * world.parameters.round_length_s)
        world.escrow.unpause(sender=owner)
        world.escrow.pause(sender=guardian)
        with refuses("paused: withdraw() and set_stakes() work, see paused_at()"):
            world.escrow.pay([], [staker], b"", sender=role_address("operator"))
        if world.withdrawable_nano(staker):
            out += world.escrow.withdraw(MAX, sender=staker)

    assert out == nano(2 * 10**9)


def test_way_out_for_an_account_that_moved(world: World, staker: str, other_staker: str) -> None:
    """N2: a move takes risks and their deadlines along as they are: the new address is out when the
    old one would have been."""
    world.stake(staker, {0: 10**9, 64: 10**9}, pool_nano=7)
    world.open_rounds(staker)
    world.escrow.offer_move(other_staker, sender=staker)
    world.escrow.accept_move(staker, sender=other_staker)
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (0, {})

    gets_out(world, other_staker, PLAYED - 1, 2 * 10**9 + 7)
