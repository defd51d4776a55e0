"""The reference model of who may do what; `contracts/modules/roles.vy` is the other statement.

Each check takes the sender of a step and refuses it in the contract's own words.
"""

from dataclasses import dataclass

from sluice.errors import Refused

NOBODY = "0x" + "00" * 20


@dataclass(slots=True)
class Roles:
    """The addresses, lower case, that hold the three roles, and whom the ownership is offered
    to."""

    owner: str
    operator: str
    guardian: str
    pending_owner: str = NOBODY

    def check_owner(self, sender: str) -> None:
        """Of `set_operator`, `set_guardian`, `transfer_ownership`, `withdraw_reserve`,
        `unpause`."""
        if sender != self.owner:
            raise Refused("ownable: caller is not the owner")

    def check_operator(self, sender: str) -> None:
        """Of `pay`."""
        if sender != self.operator:
            raise Refused("caller: only the operator")

    def check_operator_or_owner(self, sender: str) -> None:
        """Of `announce`."""
        if sender not in (self.operator, self.owner):
            raise Refused("caller: only the operator or the owner")

    def check_guardian(self, sender: str) -> None:
        """Of `veto` and `pause`."""
        if sender != self.guardian:
            raise Refused("caller: only the guardian")

    def set_operator(self, sender: str, operator: str) -> None:
        """The owner appoints the operator."""
        self.check_owner(sender)
        if operator == NOBODY:
            raise Refused("operator: must not be the zero address")
        self.operator = operator

    def set_guardian(self, sender: str, guardian: str) -> None:
        """The owner appoints the guardian."""
        self.check_owner(sender)
        if guardian == NOBODY:
            raise Refused("guardian: must not be the zero address")
        self.guardian = guardian

    def transfer_ownership(self, sender: str, new_owner: str) -> None:
        """The owner offers the ownership, to the zero address: to nobody any more."""
        self.check_owner(sender)
        self.pending_owner = new_owner

    def accept_ownership(self, sender: str) -> None:
        """Whom it was offered to takes it."""
        if sender != self.pending_owner:
            raise Refused("ownable_2step: caller is not the new owner")
        self.owner, self.pending_owner = sender, NOBODY
