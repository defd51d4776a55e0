"""Accounts worth moving, for the tests of moves to another address."""

from sluice.words import POOL, SPLIT_PLACE, WALLET, unpack_account, unpack_split
from tests.escrow_world import FORTNIGHT, STAKE, World, now, role_address, set_time
from tests.messages import Move, Withdrawal, packed_by_key

OLD = role_address("staker")
NEW = role_address("stranger")
"""Who moves, and where to: an address that has nothing in the escrow at first."""
OTHER = role_address("other_staker")

NOT_OFFERED = "move: not offered to the caller"
BUSY = "move: wait for the end of the announced round"
NOT_FRESH = "move: to another address without stakes, risks or splits"
NOT_SIGNED = "signature: not the account's"

ASKED = Move(OLD, NEW)
"""The move that both sides sign."""

HALVES = ((POOL, 5_000), (WALLET, 5_000))
EVERYWHERE = (0, 1, 4, 5, 33, 64)
"""The account word's model, both ends of the first stake page, later ones, and the last."""


def furnished_world(world: World) -> World:
    """The old account with stakes on all sides of its pages, four open rounds, splits, something
    due, a nonce and a used turn; another one with a stake beside it; a full reserve."""
    world.fund(10**15)
    world.stake(OLD, dict.fromkeys(EVERYWHERE, STAKE), pool_nano=STAKE)
    world.stake(OTHER, {0: STAKE})
    world.open_rounds(OLD, OTHER)
    furnish(world, OLD)
    return world


def furnish(world: World, account: str) -> None:
    """Gives an account whose four rounds are open some of everything else: splits of its own, NMR
    that is due, a nonce, and a turn of this period that is used."""
    for model in EVERYWHERE:
        world.escrow.set_split(model, [to for to, _ in HALVES], [5_000, 5_000], sender=account)
    world.escrow.cancel_instructions(7, sender=account)
    world.put_due(account, 3)
    asked = Withdrawal(account, 1, world_period(world))
    world.pay((asked, sign(world, asked)))


def signature(world: World, role: str, asked: Move = ASKED) -> bytes:
    """A role's signature under a move, as the contract takes a key's."""
    return packed_by_key(world.sign(asked, role))


def both(world: World, asked: Move = ASKED) -> tuple[bytes, bytes]:
    """The signatures of the two sides."""
    return signature(world, "staker", asked), signature(world, "stranger", asked)


def moved(world: World) -> bool:
    """Whether the old account is at the new address."""
    return world.stakes_nano(NEW) == {0: STAKE} and not world.stakes_nano(OLD)


def sign(world: World, message: Withdrawal) -> bytes:
    """The signature of a message's account, if it is one of the roles."""
    roles = {role_address(role): role for role in ("staker", "other_staker", "stranger")}
    return world.sign(message, roles[message.account])


def world_period(world: World) -> int:
    """The fortnight it is."""
    return world.parameters.period(now())


def next_period(world: World) -> int:
    """Moves the time to the next fortnight, and returns it."""
    set_time(world.parameters.deployed_at + world_period(world) * FORTNIGHT)
    return world_period(world)


def nonce(world: World, account: str) -> int:
    """The account's nonce."""
    return unpack_split(world.words(account).get(SPLIT_PLACE, 0)).nonce


def round_word(world: World, account: str) -> int:
    """The last pass that the account was in, as words count."""
    return unpack_account(world.words(account).get(0, 0)).round_word


def equity_nano(world: World, *accounts: str) -> int:
    """Pools and stakes of accounts together."""
    return sum(
        world.pool_nano(account) + sum(world.stakes_nano(account).values()) for account in accounts
    )
