"""What comparable systems take for the work that people come for, measured by others' own code.

Each was deployed from its repository at the commit named and driven on an anvil (1.7.1, osaka):
receipts' gasUsed, 21,000 included unless marginal; recipients hold the token already; the token is
OpenZeppelin's ERC-20 5.4 unless NMR is named.
"""

from dataclasses import dataclass
from enum import Enum

MODELS = 2
PASSES = 2
"""Of the fortnight that is compared."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The gas of one piece of work in another system, and the commit it was measured at."""

    system: str
    commit: str
    work: str
    gas: int


class Peer(Enum):
    """What was measured."""

    V3_MODEL_ROUND = Measured(
        "NumeraiTournamentV3",
        "tournament-contracts 9b49855",
        "one model staked and resolved for one round, marginal, real NMR",
        85_800,
    )
    V3_WITHDRAW = Measured(
        "NumeraiTournamentV3",
        "tournament-contracts 9b49855",
        "one withdrawal in a batch, marginal, real NMR",
        18_689,
    )
    ERASURE_MOVE = Measured(
        "Erasure agreements",
        "be41efc",
        "stake moved to another model: release, create, approve, stake",
        479_000,
    )
    ERASURE_REWARD = Measured("Erasure agreements", "be41efc", "one stake rewarded", 67_754)
    ERASURE_PUNISH = Measured("Erasure agreements", "be41efc", "one stake burned from", 83_009)
    DISPERSE = Measured("Disperse", "15fa895", "one transfer in a batch, marginal", 9_481)
    DISPERSE_NMR = Measured(
        "Disperse", "15fa895", "one transfer in a batch, marginal, real NMR", 10_769
    )
    LIDO = Measured(
        "Lido WithdrawalQueue",
        "372b02e",
        "a request and its claim, each in a batch, marginal",
        104_602 + 36_751,
    )
    ROCKET_POOL = Measured(
        "Rocket Pool", "fef41a4", "claimAndStake, half staked and half paid, repeated", 277_371
    )
    ROCKET_POOL_CLAIM = Measured("Rocket Pool", "fef41a4", "claim, repeated", 125_425)
    PUSH_SPLIT = Measured("0xSplits v2", "71f09d3", "PushSplit to five recipients", 99_583)
    PULL_SPLIT = Measured("0xSplits v2", "71f09d3", "PullSplit to five recipients", 116_097)
    MERKLE_CLAIM = Measured(
        "Uniswap merkle-distributor", "25a79e8", "one claim of 4,096 leaves", 57_100
    )
    EIGENLAYER_CLAIM = Measured(
        "EigenLayer RewardsCoordinator", "f84a515", "processClaim, 4,096 earners, repeated", 87_551
    )
    SYNTHETIX_REWARD = Measured(
        "Synthetix StakingRewards", "1609d15", "getReward, the user's own", 75_000
    )

    @property
    def gas(self) -> int:
        """The gas of it."""
        return self.value.gas


BESIDE: dict[str, tuple[Peer, ...]] = {
    "resolve_one_model_marginal": (
        Peer.V3_MODEL_ROUND,
        Peer.ERASURE_REWARD,
        Peer.ERASURE_PUNISH,
    ),
    "resolve_split_marginal": (Peer.PUSH_SPLIT, Peer.PULL_SPLIT),
    "pay_due_marginal": (
        Peer.V3_WITHDRAW,
        Peer.DISPERSE,
        Peer.DISPERSE_NMR,
        Peer.MERKLE_CLAIM,
        Peer.EIGENLAYER_CLAIM,
        Peer.SYNTHETIX_REWARD,
        Peer.ROCKET_POOL_CLAIM,
    ),
    "pay_signed_marginal": (Peer.LIDO,),
    "relay_rebalance_marginal": (Peer.ERASURE_MOVE,),
    "set_stakes_two_models": (Peer.ERASURE_MOVE,),
}
"""By the key of a figure, what others need for the same or the nearest work."""

V3_FORTNIGHT_GAS = MODELS * PASSES * Peer.V3_MODEL_ROUND.gas + Peer.V3_WITHDRAW.gas
"""The fortnight's two models for two rounds and one withdrawal; it has no call that moves stake."""
ROCKET_POOL_FORTNIGHT_GAS = PASSES * Peer.ROCKET_POOL.gas
"""Twice the rewards of a period, half kept as stake and half paid, by the user's own
transactions."""
