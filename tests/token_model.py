"""What a token does, as far as the escrow meets it: the other half of the ledger in tests.

Amounts in nano-NMR. A refusal is what the escrow's call ends with: its own words where the token
answers false, none where the token reverts."""

from collections import Counter

from sluice.errors import Refused
from sluice.parameters import BPS

NOT_TAKEN = "token: transferFrom failed, nothing was taken"
NOT_SENT = "token: transfer failed, nothing was sent"
BARE = ""
"""A revert without words."""


class TokenModel:
    """Balances and allowances for the escrow, and how the token is hostile at the moment: with
    `refuses` it answers false to everything, to the payee `trapped` transfers revert, `fee_bps` is
    kept of every transfer."""

    def __init__(self, escrow: str, burner: str) -> None:
        self.escrow = escrow
        self.burner = burner
        self.balances_nano: Counter[str] = Counter()
        self.allowances_nano: Counter[str] = Counter()
        self.refuses = False
        self.trapped = ""
        self.fee_bps = 0

    def give(self, holder: str, amount_nano: int) -> None:
        """From outside the model, with an allowance for all of it."""
        self.balances_nano[holder] += amount_nano
        self.allowances_nano[holder] = 2**200

    def take(self, sender: str, amount_nano: int) -> None:
        """What the escrow pulls in; it trusts the answer and counts all of it."""
        if self.refuses:
            raise Refused(NOT_TAKEN)
        if amount_nano > min(self.balances_nano[sender], self.allowances_nano[sender]):
            raise Refused(BARE)
        self.allowances_nano[sender] -= amount_nano
        self._move(sender, self.escrow, amount_nano)

    def can_send(self, to: str, amount_nano: int) -> bool:
        """Whether a payment out of the escrow would arrive."""
        enough = self.balances_nano[self.escrow] >= amount_nano
        return enough and not self.refuses and self.trapped != to

    def send(self, to: str, amount_nano: int) -> None:
        """What the escrow pays out."""
        if self.refuses:
            raise Refused(NOT_SENT)
        if not self.can_send(to, amount_nano):
            raise Refused(BARE)
        self._move(self.escrow, to, amount_nano)

    def burn(self, amount_nano: int) -> None:
        """What the escrow sends to the burner, who destroys exactly that or refuses it."""
        arriving_nano = self.balances_nano[self.burner] + amount_nano - self._fee_nano(amount_nano)
        if self.can_send(self.burner, amount_nano) and arriving_nano < amount_nano:
            raise Refused("burner: send the NMR here first")
        self.send(self.burner, amount_nano)
        self.balances_nano[self.burner] -= amount_nano

    def _fee_nano(self, amount_nano: int) -> int:
        return amount_nano * self.fee_bps // BPS

    def _move(self, sender: str, to: str, amount_nano: int) -> None:
        self.balances_nano[sender] -= amount_nano
        self.balances_nano[to] += amount_nano - self._fee_nano(amount_nano)
