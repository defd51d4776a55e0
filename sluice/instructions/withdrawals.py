"""The EIP-712 messages: made, signed, verified, packed for the contract, stored.

A `Withdrawal` asks for an account's free withdrawal of one period, to the account's own address. It
costs the account no gas: the operator sends it. Amounts are integers in nano-NMR here; what is
signed, and what wallets show, are token base units.

Stored requests are a text file with one JSON object a line:

    {"account": "0x…", "amount_nano": 1500000000, "chain_id": 1, "contract": "0x…",
     "deadline": 1700000000, "period": 7, "signature": "0x…"}

`amount_nano` may be "all", `deadline` "never".
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ape.api import AccountAPI
from eip712.messages import EIP712Domain, EIP712Message, hash_message
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_pydantic_types import abi
from eth_utils.exceptions import ValidationError

from sluice.errors import InvalidInput
from sluice.inputs import as_address
from sluice.ledger import ALL
from sluice.units import BASE_UNITS_A_NANO, MAX_UINT
from sluice.words import ACCOUNT_BITS, AMOUNT_BITS, MAX_AMOUNT_NANO, MAX_PERIOD, PERIOD_BITS

DOMAIN_NAME = "Sluice"
DOMAIN_VERSION = "1"

NEVER = MAX_UINT
"""As a deadline: the request does not expire."""

DEADLINE_BITS = 32
MAX_ITEMS = 256
MAX_SIGNATURES_BYTES = 32_768
SIGNATURE_BYTES = 65
LENGTH_BYTES = 2
MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1: a signature with a higher s is a copy of another (EIP-2)."""


class Withdrawal(EIP712Message):
    """The message as wallets sign it; `amount` in base units. Its domain is given to each one: a
    default of the class would be shared by all."""

    account: abi.address
    amount: abi.uint256
    period: abi.uint256
    deadline: abi.uint256


@dataclass(frozen=True, slots=True)
class Domain:
    """What a signature is good for: one contract on one chain."""

    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request for the free withdrawal of a period: `amount_nano` or `ALL`, good until `deadline`
    (unix seconds) or `NEVER`. Made by `request`, which checks it."""

    account: str
    amount_nano: int
    period: int
    deadline: int


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request with what proves that its account asked for it."""

    request: Request
    domain: Domain
    signature: bytes


@dataclass(frozen=True, slots=True)
class PayCall:
    """The arguments of one call of `pay`."""

    requests: tuple[int, ...]
    signatures: bytes


def request(account: str, amount_nano: int, period: int, deadline: int = NEVER) -> Request:
    """A request that the contract can take; InvalidInput for an address, an amount, a period or a
    deadline that does not fit what `pay` is given (account 160 bits, amount 54, period 10,
    deadline 32; all ones in amount and deadline stand for the maximum)."""
    checksum = as_address(account)
    if checksum is None or int(checksum, 16) == 0:
        raise InvalidInput(f"account {account} is no address: write 0x and 40 digits, not all zero")
    if amount_nano != ALL and not 0 < amount_nano < MAX_AMOUNT_NANO:
        raise InvalidInput(
            f"amount of {amount_nano} nano-NMR: ask for one above zero and at most the supply, or "
            "for all"
        )
    if not 0 < period <= MAX_PERIOD:
        raise InvalidInput(f"period {period}: they count from 1 to {MAX_PERIOD}")
    if deadline != NEVER and not 0 <= deadline < 2**DEADLINE_BITS - 1:
        raise InvalidInput(
            f"deadline {deadline}: give unix seconds below {2**DEADLINE_BITS - 1}, or never"
        )
    return Request(checksum, amount_nano, period, deadline)


def request_of_units(account: str, amount: int, period: int, deadline: int = NEVER) -> Request:
    """A request whose amount is in base units, as wallets show it: the maximum means all;
    InvalidInput, besides as `request`, if it is not a whole nano-NMR."""
    if amount == MAX_UINT:
        return request(account, ALL, period, deadline)
    nano, rest = divmod(amount, BASE_UNITS_A_NANO)
    if rest:
        raise InvalidInput(f"amount {amount}: not a whole nano-NMR, use multiples of 10**9")
    return request(account, nano, period, deadline)


def message(asked: Request, domain: Domain) -> Withdrawal:
    """The EIP-712 message of a request."""
    amount = MAX_UINT if asked.amount_nano == ALL else asked.amount_nano * BASE_UNITS_A_NANO
    fields: dict[str, Any] = {
        "account": asked.account,
        "amount": amount,
        "period": asked.period,
        "deadline": asked.deadline,
        "eip712_name": DOMAIN_NAME,
        "eip712_version": DOMAIN_VERSION,
        "eip712_chainId": domain.chain_id,
        "eip712_verifyingContract": domain.contract,
    }
    return Withdrawal(**fields)


def message_hash(asked: Request, domain: Domain) -> bytes:
    """The 32 bytes that are signed."""
    return bytes(hash_message(message(asked, domain)))


def domain_separator(chain_id: int, contract: str) -> bytes:
    """What the contract's view `domain` says on this chain."""
    fields: dict[str, Any] = {
        "name": DOMAIN_NAME,
        "version": DOMAIN_VERSION,
        "chainId": chain_id,
        "verifyingContract": contract,
    }
    return bytes(EIP712Domain(**fields).separator)


def sign(asked: Request, domain: Domain, signer: AccountAPI | LocalAccount) -> SignedRequest:
    """The request signed by an ape account or an eth-account key; InvalidInput if the signer is
    not its account or declines."""
    if signer.address != asked.account:
        raise InvalidInput(f"{signer.address} cannot sign for {asked.account}: sign with that key")
    made = message(asked, domain)
    if isinstance(signer, LocalAccount):
        signature = bytes(signer.sign_message(made.signable_message).signature)
    else:
        by_ape = signer.sign_message(made)
        if by_ape is None:
            raise InvalidInput(f"{signer.address} did not sign: confirm in the wallet")
        signature = bytes(by_ape.encode_rsv())
    return SignedRequest(asked, domain, signature)


def is_signed(signed: SignedRequest) -> bool:
    """Whether the signature is one that the contract takes: 65 bytes, low s, v 27 or 28, by the
    request's account."""
    signature = signed.signature
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (27, 28):
        return False
    if int.from_bytes(signature[32:64], "big") > MAX_S:
        return False
    made = message(signed.request, signed.domain).signable_message
    try:
        recovered: str = Account.recover_message(made, signature=signature)
    except (BadSignature, ValidationError):
        return False
    return recovered == signed.request.account


def pack(asked: Request) -> int:
    """The request as a word: account 160 | amount in nano 54 | period 10 | deadline 32."""
    amount = MAX_AMOUNT_NANO if asked.amount_nano == ALL else asked.amount_nano
    deadline = 2**DEADLINE_BITS - 1 if asked.deadline == NEVER else asked.deadline
    word = int(asked.account, 16)
    word |= amount << ACCOUNT_BITS
    word |= asked.period << (ACCOUNT_BITS + AMOUNT_BITS)
    word |= deadline << (ACCOUNT_BITS + AMOUNT_BITS + PERIOD_BITS)
    return word


def unpack(word: int) -> Request:
    """The request of a word; InvalidInput if it is none."""
    amount = (word >> ACCOUNT_BITS) & MAX_AMOUNT_NANO
    period = (word >> (ACCOUNT_BITS + AMOUNT_BITS)) & MAX_PERIOD
    deadline = word >> (ACCOUNT_BITS + AMOUNT_BITS + PERIOD_BITS)
    return request(
        "0x" + (word & (2**ACCOUNT_BITS - 1)).to_bytes(20, "big").hex(),
        ALL if amount == MAX_AMOUNT_NANO else amount,
        period,
        NEVER if deadline == 2**DEADLINE_BITS - 1 else deadline,
    )


def pay_call(batch: Sequence[SignedRequest]) -> PayCall:
    """The arguments of `pay` for a batch, in its order; InvalidInput if it is empty or too large:
    at most 256 requests, and 32,768 bytes of signatures with two bytes of length before each."""
    if not 0 < len(batch) <= MAX_ITEMS:
        raise InvalidInput(f"{len(batch)} requests: a batch has 1 to {MAX_ITEMS}")
    blob = b"".join(
        len(signed.signature).to_bytes(LENGTH_BYTES, "big") + signed.signature for signed in batch
    )
    if len(blob) > MAX_SIGNATURES_BYTES:
        raise InvalidInput(
            f"{len(blob)} bytes of signatures, at most {MAX_SIGNATURES_BYTES} go: batch fewer"
        )
    return PayCall(tuple(pack(signed.request) for signed in batch), blob)


def write_requests(stored: Iterable[SignedRequest], path: Path) -> None:
    """Adds signed requests to the end of a file, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(_line(signed) + "\n" for signed in stored)


def read_requests(path: Path, domain: Domain) -> list[SignedRequest]:
    """Reads a file of signed requests, all of which have to be for `domain`; InvalidInput, naming
    file, line and remedy, for one that is not or that is no request."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}: name a file of signed requests") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_parse(line, domain))
        except (InvalidInput, ValueError, KeyError, TypeError) as error:
            what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise InvalidInput(
                f"{path.name}, line {number}: {what}; correct the line or leave it out"
            ) from error
    return found


def _line(signed: SignedRequest) -> str:
    asked = signed.request
    document = {
        "account": asked.account,
        "amount_nano": "all" if asked.amount_nano == ALL else asked.amount_nano,
        "chain_id": signed.domain.chain_id,
        "contract": signed.domain.contract,
        "deadline": "never" if asked.deadline == NEVER else asked.deadline,
        "period": asked.period,
        "signature": "0x" + signed.signature.hex(),
    }
    return json.dumps(document)


def _parse(line: str, domain: Domain) -> SignedRequest:
    document = json.loads(line)
    if not isinstance(document, dict):
        raise InvalidInput("no JSON object")
    for name, wanted in (("chain_id", domain.chain_id), ("contract", domain.contract)):
        if document[name] != wanted:
            raise InvalidInput(f"it is signed for {name} {document[name]}, not for {wanted}")
    amount, deadline = document["amount_nano"], document["deadline"]
    asked = request(
        str(document["account"]),
        ALL if amount == "all" else _whole("amount_nano", amount),
        _whole("period", document["period"]),
        NEVER if deadline == "never" else _whole("deadline", deadline),
    )
    signature = bytes.fromhex(str(document["signature"]).removeprefix("0x"))
    if len(signature) >= 2 ** (8 * LENGTH_BYTES):
        raise InvalidInput(f"a signature of {len(signature)} bytes is none")
    return SignedRequest(asked, domain, signature)


def _whole(name: str, value: object) -> int:
    # a bool is an int to Python, and -1 means ALL inside but nothing in a file
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInput(f"{name} is {value}: write a whole number")
    return value
