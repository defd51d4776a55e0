# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Refusals: one place that reverts with words
@notice A reason names what is refused and what would do, in at most 32 characters: one word of
        code. `sluice.remedies` says more of each. Encoding them here instead of at every check
        keeps kilobytes of the contract's size limit.
"""


@internal
@pure
def _refuse(reason: String[32]):
    raise reason
