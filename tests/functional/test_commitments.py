"""How often the same NMR can stand for a risk: what SECURITY.md says is not guaranteed"""

from sluice.words import NO_DIGEST, RISK_UNIT_NANO, Entry, digest_chain, link_bytes
from tests.escrow_world import FIRST_PASS, MAX, NANO, STAKE, World, nano

UNITS = 4 * RISK_UNIT_NANO
"""What four risks differ by at most, each being a whole number of units."""


def equity_nano(world: World, account: str) -> int:
    return world.pool_nano(account) + sum(world.stakes_nano(account).values())


def test_later_openings_commit_the_same_nmr_up_to_one_and_three_quarters(
    world: World, staker: str
) -> None:
    """A withdrawal leaves what one round can burn, which then backs the three rounds after it too;
    the pass that ends the first one ends the excess."""
    world.stake(staker, {0: STAKE})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    world.escrow.leave(sender=staker)
    world.escrow.withdraw(MAX, sender=staker)
    left = world.pool_nano(staker)
    assert left == world.at_risk_nano(staker)
    world.escrow.set_stakes([0], [nano(left)], sender=staker)

    world.run_passes(FIRST_PASS + 1, FIRST_PASS + 3, staker)

    assert equity_nano(world, staker) == left
    assert abs(4 * world.at_risk_nano(staker) - 7 * left) <= 4 * UNITS
    world.run_pass(FIRST_PASS + 4, [Entry(staker)])
    assert world.at_risk_nano(staker) <= left


def test_within_one_pass_the_same_nmr_counts_in_several_accounts_and_each_risk_is_covered(
    world: World, staker: str, other_staker: str, stranger: str
) -> None:
    """Between two links what is free leaves and is staked by somebody else; what is locked stays,
    so all of it together is never at risk for more than there is."""
    world.stake(staker, {0: STAKE})
    links = [link_bytes([Entry(staker)]), link_bytes([Entry(other_staker)])]
    rest = digest_chain(links)[1]
    world.announce(FIRST_PASS, links)
    world.past_window()
    world.escrow.resolve(FIRST_PASS, links[:1], rest, sender=stranger)
    world.escrow.leave(sender=staker)
    free = int(world.escrow.withdraw(MAX, sender=staker))
    world.token.transfer(other_staker, free, sender=staker)
    world.token.approve(world.escrow, free, sender=other_staker)
    world.escrow.deposit_and_stake(free, [0], [free], sender=other_staker)
    world.escrow.resolve(FIRST_PASS, links[1:], NO_DIGEST, sender=stranger)

    counted = STAKE + free // NANO
    assert 7 * STAKE <= 4 * counted <= 7 * STAKE + 4 * UNITS
    at_risk = [world.at_risk_nano(account) for account in (staker, other_staker)]
    assert abs(4 * sum(at_risk) - counted) <= 4 * UNITS
    assert at_risk[0] == equity_nano(world, staker)
    assert at_risk[1] <= equity_nano(world, other_staker)
