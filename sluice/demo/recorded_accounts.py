"""The recorded accounts on a chain: their steps sent, each as its own transaction, and taken in the
ledger too."""

from collections.abc import Sequence

from sluice.calls import calls
from sluice.demo.bill import Bill, Payer
from sluice.deployment import Deployment
from sluice.history import Kind, Step, apply_steps
from sluice.ledger import Ledger
from sluice.local_chain import LocalChain, Transaction
from sluice.words import MAX_AMOUNT_NANO

STEP_GAS = 2_500_000
"""The most that a participant's transaction may use: 65 models at once, all of them new."""
PLAIN_GAS = 200_000
"""The most that a transaction to the token may use."""


class RecordedAccounts:
    """What the recorded accounts do; `take` has their wallets filled and the escrow approved
    first."""

    def __init__(
        self, chain: LocalChain, deployment: Deployment, owner: str, ledger: Ledger, bill: Bill
    ) -> None:
        self._chain = chain
        self._deployment = deployment
        self._owner = owner
        self._ledger = ledger
        self._bill = bill
        self._wallets_nano: dict[str, int] = {}
        self._approved: set[str] = set()

    def take(self, steps: Sequence[Step]) -> None:
        """Sends steps, and before them what they need: NMR in the wallet, and once the approval."""
        self._chain.send([each for step in steps for each in self._needed(step)])
        gas = self._chain.send([self._transaction(step) for step in steps])
        for step, used in zip(steps, gas, strict=True):
            self._bill.add(Payer.RECORDED, step.kind.value, [used], 1)
        apply_steps(self._ledger, steps, self._chain.time())

    def approval(self, account: str) -> Transaction:
        """Lets the escrow take an account's NMR."""
        data = calls.token_approve(self._deployment.address, MAX_AMOUNT_NANO)
        return Transaction(account, self._deployment.token, data, PLAIN_GAS, "approve")

    def _needed(self, step: Step) -> list[Transaction]:
        held_nano = self._wallets_nano.get(step.account, 0)
        if step.kind is Kind.WITHDRAW:
            self._wallets_nano[step.account] = held_nano + step.amount_nano
            return []
        needed = []
        lacking_nano = max(0, step.amount_nano - held_nano)
        if lacking_nano:
            data = calls.token_transfer(step.account, lacking_nano)
            token = self._deployment.token
            needed.append(Transaction(self._owner, token, data, PLAIN_GAS, "transfer"))
        self._wallets_nano[step.account] = held_nano + lacking_nano - step.amount_nano
        if step.amount_nano and step.account not in self._approved:
            needed.append(self.approval(step.account))
            self._approved.add(step.account)
        return needed

    def _transaction(self, step: Step) -> Transaction:
        match step.kind:
            case Kind.DEPOSIT:
                data = calls.deposit(step.amount_nano)
            case Kind.DEPOSIT_AND_STAKE:
                data = calls.deposit_and_stake(step.amount_nano, step.stakes_nano)
            case Kind.SET_STAKES:
                data = calls.set_stakes(step.stakes_nano)
            case Kind.WITHDRAW:
                data = calls.withdraw(step.amount_nano)
        escrow = self._deployment.address
        return Transaction(step.account, escrow, data, STEP_GAS, step.kind.value)
