"""A signed change of any number of an account's stakes and splits, without gas for the account.

Stakes are set first, then splits; all of it happens or nothing. Its nonce must be the account's and
is raised by one. Amounts are integers in nano-NMR. `relay` takes instructions one after the other,
each of them so, words and numbers big-endian, fields from the lowest bit up:

    head     32 bytes           account 160 | stakes 8 | splits 8 | nonce 26 | deadline 32
                                | spare 22, zero
    stakes   8 bytes for each   amount in nano 54 | model 10
    splits   23 bytes for each  8 x (destination 8, share 14) | model 8

The models of the stakes ascend, and so do those of the splits. All ones in the deadline stand for
never; parts that are all zero for the default split.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sluice.account import Split
from sluice.errors import InvalidInput
from sluice.instructions.checks import check_deadline, checked_account
from sluice.instructions.domain import (
    DEADLINE_BITS,
    NEVER,
    Domain,
    pack_deadline,
    unpack_deadline,
)
from sluice.instructions.domain import Instruction as TypedInstruction
from sluice.instructions.domain import Split as TypedSplit
from sluice.presets import check_split
from sluice.units import to_units
from sluice.words import (
    ACCOUNT_BITS,
    AMOUNT_BITS,
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MODELS,
    NONCE_BITS,
    WORD_BYTES,
    SplitWord,
    pack_split,
    unpack_split,
)

COUNT_BITS = 8
STAKE_BYTES = 8
SPLIT_BYTES = 23
PARTS_BITS = 176

_COUNT_MASK: int = 2**COUNT_BITS - 1
_SPLITS_SHIFT = ACCOUNT_BITS + COUNT_BITS
_NONCE_SHIFT = _SPLITS_SHIFT + COUNT_BITS
_DEADLINE_SHIFT = _NONCE_SHIFT + NONCE_BITS


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an account's stakes are to be, in nano-NMR by model, and its splits by model (empty: the
    default), models ascending. Good while the account's nonce is `nonce` and until `deadline` (unix
    seconds) or `NEVER`. Made by `instruction`, which checks it."""

    account: str
    stakes_nano: Mapping[int, int]
    splits: Mapping[int, Split]
    nonce: int
    deadline: int

    def typed(self, domain: Domain) -> TypedInstruction:
        """As wallets sign it."""
        return TypedInstruction(
            models=list(self.stakes_nano),
            stakes=[to_units(stake) for stake in self.stakes_nano.values()],
            splits=[
                TypedSplit(
                    model=model,
                    destinations=[destination for destination, _ in split],
                    shares=[share for _, share in split],
                )
                for model, split in self.splits.items()
            ],
            nonce=self.nonce,
            deadline=self.deadline,
            **domain.fields(self.account),
        )


def instruction(
    account: str,
    stakes_nano: Mapping[int, int],
    splits: Mapping[int, Split],
    nonce: int,
    deadline: int = NEVER,
) -> Instruction:
    """An instruction that the contract can take, given its stakes and splits in any order;
    InvalidInput for one that changes nothing, and for an address, a model, an amount, a split, a
    nonce or a deadline that cannot be."""
    checksum = checked_account(account)
    if not stakes_nano and not splits:
        raise InvalidInput("it changes nothing: name a stake or a split")
    for model, stake in stakes_nano.items():
        if not 0 <= model < MODELS:
            raise InvalidInput(f"model {model}: models are numbered 0 to {MODELS - 1}")
        if not 0 <= stake <= MAX_AMOUNT_NANO:
            raise InvalidInput(f"stake of {stake} nano-NMR on model {model}: give 0 to the supply")
    for model, split in splits.items():
        check_split(model, split)
    if not 0 <= nonce < MAX_NONCE:
        raise InvalidInput(f"nonce {nonce}: they count from 0 to {MAX_NONCE - 1}")
    check_deadline(deadline)
    return Instruction(
        checksum,
        {model: stakes_nano[model] for model in sorted(stakes_nano)},
        {model: tuple(splits[model]) for model in sorted(splits)},
        nonce,
        deadline,
    )


def pack_instruction(asked: Instruction) -> bytes:
    """The instruction's bytes."""
    head = int(asked.account, 16)
    head |= len(asked.stakes_nano) << ACCOUNT_BITS
    head |= len(asked.splits) << _SPLITS_SHIFT
    head |= asked.nonce << _NONCE_SHIFT
    head |= pack_deadline(asked.deadline) << _DEADLINE_SHIFT
    stakes = (
        (model << AMOUNT_BITS | stake).to_bytes(STAKE_BYTES, "big")
        for model, stake in asked.stakes_nano.items()
    )
    splits = (
        (model << PARTS_BITS | pack_split(SplitWord(split))).to_bytes(SPLIT_BYTES, "big")
        for model, split in asked.splits.items()
    )
    return head.to_bytes(WORD_BYTES, "big") + b"".join(stakes) + b"".join(splits)


def each_packed(packed: bytes) -> Iterator[bytes]:
    """The bytes of each instruction in a batch, whatever they say; InvalidInput at the end of what
    is cut short."""
    at = 0
    while at < len(packed):
        head = int.from_bytes(packed[at : at + WORD_BYTES], "big")
        stakes, splits = head >> ACCOUNT_BITS & _COUNT_MASK, head >> _SPLITS_SHIFT & _COUNT_MASK
        end = at + WORD_BYTES + STAKE_BYTES * stakes + SPLIT_BYTES * splits
        if end > len(packed):
            raise InvalidInput("the instructions are cut short")
        yield packed[at:end]
        at = end


def unpack_instruction(packed: bytes) -> Instruction:
    """The instruction of its bytes; InvalidInput if they are none that `instruction` would make."""
    if list(each_packed(packed)) != [packed]:
        raise InvalidInput("these are not the bytes of one instruction")
    head = int.from_bytes(packed[:WORD_BYTES], "big")
    first_split = WORD_BYTES + STAKE_BYTES * (head >> ACCOUNT_BITS & _COUNT_MASK)
    stakes = [
        int.from_bytes(packed[at : at + STAKE_BYTES], "big")
        for at in range(WORD_BYTES, first_split, STAKE_BYTES)
    ]
    splits = [
        int.from_bytes(packed[at : at + SPLIT_BYTES], "big")
        for at in range(first_split, len(packed), SPLIT_BYTES)
    ]
    asked = instruction(
        "0x" + packed[12:32].hex(),
        {stake >> AMOUNT_BITS: stake & MAX_AMOUNT_NANO for stake in stakes},
        {split >> PARTS_BITS: unpack_split(split & (2**PARTS_BITS - 1)).parts for split in splits},
        head >> _NONCE_SHIFT & (2**NONCE_BITS - 1),
        unpack_deadline(head >> _DEADLINE_SHIFT & (2**DEADLINE_BITS - 1)),
    )
    if pack_instruction(asked) != packed:
        raise InvalidInput("its models do not ascend, or spare bits are set")
    return asked
