"""Every call of the contract as calldata, for bulk senders, dry runs and the typed contract.

Amounts are integers in nano-NMR, rounds the tournament's numbers, addresses checksum text.
"""

from collections.abc import Mapping, Sequence

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector

from sluice.account import Split
from sluice.units import to_units, to_units_or_all


class Calls:
    """Every call of the contract as calldata. Amounts in nano-NMR, `ALL` for everything."""

    def deposit(self, amount_nano: int) -> bytes:
        """Adds to the sender's pool."""
        return encode_call("deposit(uint256)", to_units(amount_nano))

    def deposit_for(self, account: str, amount_nano: int) -> bytes:
        """Adds the sender's NMR to another account's pool."""
        return encode_call("deposit_for(address,uint256)", account, to_units(amount_nano))

    def deposit_and_stake(self, amount_nano: int, stakes_nano: Mapping[int, int]) -> bytes:
        """Deposits and sets stakes, both or neither."""
        models, stakes = _stakes(stakes_nano)
        return encode_call(
            "deposit_and_stake(uint256,uint256[],uint256[])", to_units(amount_nano), models, stakes
        )

    def set_stakes(self, stakes_nano: Mapping[int, int]) -> bytes:
        """Each listed model's stake becomes the given one."""
        models, stakes = _stakes(stakes_nano)
        return encode_call("set_stakes(uint256[],uint256[])", models, stakes)

    def set_split(self, model: int, split: Split) -> bytes:
        """How a model's earnings are shared out; empty: back to the model."""
        destinations = [destination for destination, _ in split]
        shares = [share for _, share in split]
        return encode_call("set_split(uint256,uint256[],uint256[])", model, destinations, shares)

    def leave(self) -> bytes:
        """Every stake to the pool, older signatures dead."""
        return encode_call("leave()")

    def withdraw(self, amount_nano: int) -> bytes:
        """Pays out of the sender's pool; `ALL` for everything withdrawable."""
        return encode_call("withdraw(uint256)", to_units_or_all(amount_nano))

    def relay(self, instructions: bytes, signatures: bytes) -> bytes:
        """Applies signed instructions; `sluice.instructions` packs them."""
        return encode_call("relay(bytes,bytes)", instructions, signatures)

    def cancel_instructions(self, nonce: int) -> bytes:
        """Moves the sender's nonce on, so that instructions signed for lower ones are dead."""
        return encode_call("cancel_instructions(uint256)", nonce)

    def cancel_withdrawal(self) -> bytes:
        """Gives the sender's turn of this period up, so that its signed requests are dead."""
        return encode_call("cancel_withdrawal()")

    def offer_move(self, to: str) -> bytes:
        """Lets `to` take the sender's account over; the zero address: nobody any more."""
        return encode_call("offer_move(address)", to)

    def accept_move(self, account: str) -> bytes:
        """Takes over an account that was offered to the sender."""
        return encode_call("accept_move(address)", account)

    def relay_move(
        self, account: str, to: str, deadline: int, signature: bytes, to_signature: bytes
    ) -> bytes:
        """Moves an account whose old and new address signed that: the signatures of `account` and
        of `to`, 64 bytes r and vs of a key (EIP-2098), or a contract wallet's."""
        return encode_call(
            "relay_move(address,address,uint256,bytes,bytes)",
            account,
            to,
            deadline,
            signature,
            to_signature,
        )

    def announce(self, round_number: int, replaces: bytes, digest: bytes) -> bytes:
        """Announces a round, or again what is left of it."""
        return encode_call("announce(uint256,bytes32,bytes32)", round_number, replaces, digest)

    def resolve(self, round_number: int, links: Sequence[bytes], next_digest: bytes) -> bytes:
        """Applies consecutive links of the announced round."""
        return encode_call(
            "resolve(uint256,bytes[],bytes32)", round_number, list(links), next_digest
        )

    def veto(self, round_number: int) -> bytes:
        """Clears what is announced of a round and left to apply."""
        return encode_call("veto(uint256)", round_number)

    def pause(self) -> bytes:
        """Stops deposits, relays, passes and batches for one round length."""
        return encode_call("pause()")

    def unpause(self) -> bytes:
        """Ends a pause, or allows another one."""
        return encode_call("unpause()")

    def pay(self, requests: Sequence[int], due_accounts: Sequence[str], signatures: bytes) -> bytes:
        """Pays free withdrawals; `sluice.instructions` packs requests and signatures."""
        return encode_call(
            "pay(uint256[],address[],bytes)", list(requests), list(due_accounts), signatures
        )

    def fund(self, amount_nano: int) -> bytes:
        """Adds the sender's NMR to the reserve."""
        return encode_call("fund(uint256)", to_units(amount_nano))

    def withdraw_reserve(self, amount_nano: int) -> bytes:
        """Takes NMR out of the reserve, to the owner."""
        return encode_call("withdraw_reserve(uint256)", to_units(amount_nano))

    def burn(self) -> bytes:
        """Sends what waits to be burned to the burner."""
        return encode_call("burn()")

    def set_operator(self, operator: str) -> bytes:
        """Appoints the operator."""
        return encode_call("set_operator(address)", operator)

    def set_guardian(self, guardian: str) -> bytes:
        """Appoints the guardian."""
        return encode_call("set_guardian(address)", guardian)

    def transfer_ownership(self, new_owner: str) -> bytes:
        """Offers the ownership."""
        return encode_call("transfer_ownership(address)", new_owner)

    def accept_ownership(self) -> bytes:
        """Takes an offered ownership."""
        return encode_call("accept_ownership()")

    def token_approve(self, spender: str, amount_nano: int) -> bytes:
        """Of the token: lets `spender` move the sender's NMR. From zero or to zero only."""
        return encode_call("approve(address,uint256)", spender, to_units(amount_nano))

    def token_transfer(self, receiver: str, amount_nano: int) -> bytes:
        """Of the token: moves the sender's NMR."""
        return encode_call("transfer(address,uint256)", receiver, to_units(amount_nano))


calls = Calls()


def encode_call(signature: str, *arguments: object) -> bytes:
    """Selector and encoded arguments of a function given by its signature."""
    types = split_types(signature[signature.index("(") :])
    return function_signature_to_4byte_selector(signature) + encode(types, arguments)


def split_types(listed: str) -> list[str]:
    """The types between the outer brackets, those inside inner ones kept together."""
    types: list[str] = []
    depth = 0
    current = ""
    for letter in listed[1:-1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            types.append(current)
            current = ""
        else:
            current += letter
    return [*types, current] if current else types


def _stakes(stakes_nano: Mapping[int, int]) -> tuple[list[int], list[int]]:
    models = sorted(stakes_nano)
    return models, [to_units(stakes_nano[model]) for model in models]
