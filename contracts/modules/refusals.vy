# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Refusals: one place that reverts with words
@notice Each refusal says what to do. Encoding the words once instead of at every check keeps 2,400
        bytes of the contract's size limit.
"""


@internal
@pure
def _refuse(reason: String[64]):
    raise reason
