# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Plain escrow, for the gas bench only
@license AGPL-3.0-only
@author Sluice contributors
@notice The main job done without packing: one field is one storage slot, one entry is three array
        members. What the gas of the real escrow is compared with. Amounts are token base units.
@dev The same collateral rule: all NMR of an account backs its open rounds. Left out: splits, the
     challenge window, deadlines of rounds, moves to another address.
@custom:security For measuring. Nobody can veto what the operator resolves.
"""

from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator
from ..interfaces import INmr

initializes: eip712_domain_separator


event Deposited:
    account: indexed(address)
    amount: uint256


event StakesSet:
    account: indexed(address)
    models: DynArray[uint256, _MODELS]
    stakes: DynArray[uint256, _MODELS]


event Withdrawn:
    account: indexed(address)
    amount: uint256


event Resolved:
    account: indexed(address)
    round: indexed(uint256)
    earned: uint256
    burned: uint256
    risk: uint256


event Skipped:
    account: indexed(address)


_MODELS: constant(uint256) = 65
_MAX_BATCH: constant(uint256) = 256
_ROUNDS_OPEN: constant(uint256) = 4
_CAP_BPS: constant(uint256) = 2_500
_PERIOD_LENGTH: constant(uint256) = 14 * 86_400
_WITHDRAWAL_TYPE_HASH: constant(bytes32) = keccak256(
    "Withdrawal(address account,uint256 amount,uint256 period,uint256 deadline)"
)
TOKEN: immutable(INmr)
OPERATOR: immutable(address)

pool: public(HashMap[address, uint256])
stakes: public(HashMap[address, HashMap[uint256, uint256]])
# invariant: staked[account] == sum of stakes[account][model]
staked: public(HashMap[address, uint256])
# The most that a round can burn of an account, and the most that the account can earn in it.
risks: public(HashMap[address, HashMap[uint256, uint256]])
last_round: public(HashMap[address, uint256])
period: public(HashMap[address, uint256])
latest_round: public(uint256)
reserve: public(uint256)
burned: public(uint256)


@deploy
def __init__(token: address, operator: address):
    """@notice Binds the escrow to its token and its operator."""
    eip712_domain_separator.__init__("PlainEscrow", "1")
    TOKEN = INmr(token)
    OPERATOR = operator


@external
def deposit(amount: uint256):
    """@notice Takes NMR from the caller into the caller's pool."""
    self.pool[msg.sender] += amount
    log Deposited(account=msg.sender, amount=amount)
    assert extcall TOKEN.transferFrom(msg.sender, self, amount), "plain: deposit failed"


@external
def fund(amount: uint256):
    """@notice Takes NMR from the caller into the reserve that pays earnings."""
    self.reserve += amount
    assert extcall TOKEN.transferFrom(msg.sender, self, amount), "plain: funding failed"


@external
def set_stakes(models: DynArray[uint256, _MODELS], stakes: DynArray[uint256, _MODELS]):
    """@notice Sets the stake of each listed model; the pool takes up the difference."""
    assert len(models) == len(stakes), "plain: one stake per model"
    before: uint256 = 0
    after: uint256 = 0
    for i: uint256 in range(len(models), bound=_MODELS):
        assert models[i] < _MODELS, "plain: no such model"
        before += self.stakes[msg.sender][models[i]]
        after += stakes[i]
        self.stakes[msg.sender][models[i]] = stakes[i]
    assert self.pool[msg.sender] + before >= after, "plain: pool is too small"
    self.pool[msg.sender] = self.pool[msg.sender] + before - after
    self.staked[msg.sender] = self.staked[msg.sender] + after - before
    log StakesSet(account=msg.sender, models=models, stakes=stakes)


@external
def withdraw(amount: uint256):
    """@notice Pays the caller out of the withdrawable part of the pool."""
    assert amount <= self._withdrawable(msg.sender), "plain: more than withdrawable"
    self.pool[msg.sender] -= amount
    log Withdrawn(account=msg.sender, amount=amount)
    assert extcall TOKEN.transfer(msg.sender, amount), "plain: withdrawal failed"


@external
def resolve(
    round: uint256,
    accounts: DynArray[address, _MAX_BATCH],
    models: DynArray[uint256, _MAX_BATCH],
    payouts: DynArray[int256, _MAX_BATCH],
):
    """
    @notice Applies payouts of a round and takes the snapshot that opens the round four later. One
            account's entries stand together in one call, losses first; a round may take many calls.
    @param payouts One for each pair of account and model: an earning, or a burn if negative.
    """
    assert msg.sender == OPERATOR, "plain: operator only"
    assert round >= self.latest_round, "plain: round is over"
    count: uint256 = len(accounts)
    assert count == len(models) and count == len(payouts), "plain: entries of unequal length"
    self.latest_round = round
    earned: uint256 = 0
    burned: uint256 = 0
    total_earned: uint256 = 0
    total_burned: uint256 = 0
    for i: uint256 in range(count, bound=_MAX_BATCH):
        account: address = accounts[i]
        assert models[i] < _MODELS, "plain: unknown model"
        if payouts[i] < 0:
            burned += self._burn(account, models[i], convert(-payouts[i], uint256))
        else:
            earning: uint256 = convert(payouts[i], uint256)
            earned += earning
            if self.stakes[account][models[i]] == 0:
                self.pool[account] += earning
            else:
                self.stakes[account][models[i]] += earning
                self.staked[account] += earning
        if i + 1 < count and accounts[i + 1] == account:
            continue
        assert self.last_round[account] < round, "plain: account resolved twice"
        assert max(earned, burned) <= self.risks[account][round], "plain: payout above its bound"
        risk: uint256 = (self.staked[account] * _CAP_BPS + 9_999) // 10_000
        self.risks[account][round + _ROUNDS_OPEN] = risk
        self.last_round[account] = round
        total_earned += earned
        total_burned += burned
        log Resolved(account=account, round=round, earned=earned, burned=burned, risk=risk)
        earned = 0
        burned = 0
    assert total_earned <= self.reserve, "plain: reserve is too small"
    self.reserve -= total_earned
    self.burned += total_burned


@external
def pay(
    accounts: DynArray[address, _MAX_BATCH],
    amounts: DynArray[uint256, _MAX_BATCH],
    periods: DynArray[uint256, _MAX_BATCH],
    deadlines: DynArray[uint256, _MAX_BATCH],
    signatures: DynArray[Bytes[65], _MAX_BATCH],
):
    """
    @notice Pays signed requests, at most one in a period for each account. What cannot be paid is
            skipped; a signature that is no signature at all reverts the batch.
    @param amounts How much each account asks for; max_value(uint256) for all withdrawable.
    @param periods Fortnights since the start of unix time; deadlines count its seconds.
    """
    assert msg.sender == OPERATOR, "plain: only the operator pays"
    count: uint256 = len(accounts)
    assert count == len(amounts) and count == len(periods), "plain: items of unequal length"
    assert count == len(deadlines) and count == len(signatures), "plain: every item is signed"
    current_period: uint256 = block.timestamp // _PERIOD_LENGTH
    for i: uint256 in range(count, bound=_MAX_BATCH):
        account: address = accounts[i]
        request: bytes32 = keccak256(
            abi_encode(_WITHDRAWAL_TYPE_HASH, account, amounts[i], periods[i], deadlines[i])
        )
        digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(request)
        withdrawable: uint256 = self._withdrawable(account)
        amount: uint256 = withdrawable if amounts[i] == max_value(uint256) else amounts[i]
        is_in_turn: bool = self.period[account] < periods[i] and periods[i] <= current_period
        is_covered: bool = amount > 0 and amount <= withdrawable
        is_signed: bool = ecdsa._recover_sig(digest, signatures[i]) == account
        if not (is_in_turn and is_covered and is_signed and block.timestamp <= deadlines[i]):
            log Skipped(account=account)
            continue
        self.period[account] = current_period
        self.pool[account] -= amount
        log Withdrawn(account=account, amount=amount)
        assert extcall TOKEN.transfer(account, amount), "plain: payment failed"


@internal
@view
def _withdrawable(account: address) -> uint256:
    at_risk: uint256 = 0
    # In the midst of a pass the accounts that it has done are one round ahead of the others.
    first_open: uint256 = max(self.latest_round, self.last_round[account] + 1)
    for i: uint256 in range(_ROUNDS_OPEN):
        at_risk += self.risks[account][first_open + i]
    equity: uint256 = self.pool[account] + self.staked[account]
    return min(self.pool[account], max(equity, at_risk) - at_risk)


@internal
def _burn(account: address, model: uint256, loss: uint256) -> uint256:
    left: uint256 = loss - self._take_stake(account, model, loss)
    if left == 0:
        return loss
    # All NMR of the account backs the round, wherever it was moved to since; the rest is forgiven.
    from_pool: uint256 = min(self.pool[account], left)
    self.pool[account] -= from_pool
    left -= from_pool
    for other: uint256 in range(_MODELS):
        if left == 0:
            break
        left -= self._take_stake(account, other, left)
    return loss - left


@internal
def _take_stake(account: address, model: uint256, loss: uint256) -> uint256:
    stake: uint256 = self.stakes[account][model]
    taken: uint256 = min(stake, loss)
    if taken > 0:
        self.stakes[account][model] = stake - taken
        self.staked[account] -= taken
    return taken
