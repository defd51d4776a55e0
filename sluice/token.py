"""NMR as Python methods. Amounts are integers in nano-NMR; what there is, rounded down to it."""

from ape.api import AccountAPI, ReceiptAPI

from sluice.calls import calls
from sluice.contract import Contract
from sluice.units import BASE_UNITS_A_NANO


class Token(Contract):
    """The token of a deployed escrow on the connected network."""

    def balance_nano(self, holder: str, block: int | None = None) -> int:
        """A holder's NMR."""
        units = self._view("balanceOf(address)", "(uint256)", holder, block=block)[0]
        return int(units) // BASE_UNITS_A_NANO

    def supply_nano(self) -> int:
        """All NMR that has not been destroyed."""
        return int(self._view("totalSupply()", "(uint256)")[0]) // BASE_UNITS_A_NANO

    def allowance_nano(self, holder: str, spender: str) -> int:
        """What the spender may still take of a holder's NMR."""
        return self._allowance(holder, spender) // BASE_UNITS_A_NANO

    def approve(self, spender: str, amount_nano: int, *, sender: AccountAPI) -> list[ReceiptAPI]:
        """Lets the spender take at least `amount_nano` of the sender's NMR; sends nothing if it may
        already. NMR refuses to change one allowance into another, so an old one is set to zero
        first: two transactions."""
        held = self._allowance(sender.address, spender)
        if held // BASE_UNITS_A_NANO >= amount_nano:
            return []
        amounts_nano = (0, amount_nano) if held else (amount_nano,)
        return [self.send(calls.token_approve(spender, each), sender) for each in amounts_nano]

    def transfer(self, receiver: str, amount_nano: int, *, sender: AccountAPI) -> ReceiptAPI:
        """Moves the sender's NMR to another holder."""
        return self.send(calls.token_transfer(receiver, amount_nano), sender)

    def _allowance(self, holder: str, spender: str) -> int:
        return int(self._view("allowance(address,address)", "(uint256)", holder, spender)[0])
