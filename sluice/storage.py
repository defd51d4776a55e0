"""The escrow's storage, read in bulk: the words of many accounts at one block.

Amounts are integers in nano-NMR; the words are laid out as `sluice.words` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sluice.contract import Contract
from sluice.errors import InvalidInput
from sluice.node import batch
from sluice.stored import HAS_DUE, Place, gather, gather_stakes, stakes_nano
from sluice.words import AccountWord, unpack_account, word_slot

WORDS_SLOT = 7
"""The slot of the mapping `_words`; the layout's golden file pins it."""

READ_BATCH = 200


@dataclass(frozen=True, slots=True)
class Holding:
    """An account's words of one block: the account word and, in nano-NMR by model, its stakes."""

    account: str
    word: AccountWord
    stakes_nano: Mapping[int, int]

    @property
    def staked_nano(self) -> int:
        """The sum of the stakes."""
        return sum(self.stakes_nano.values())


class Storage(Contract):
    """What a deployed escrow stores; `block` None: the newest."""

    def words(self, places: Sequence[Place], block: int | None = None) -> list[int]:
        """The stored words at (account, place): place 0 the account word, 1 to 16 the stake pages,
        32 + model the split words. In the order asked for."""
        slots = [word_slot(account, place, WORDS_SLOT) for account, place in places]
        values: list[int] = []
        for start in range(0, len(slots), READ_BATCH):
            values += self._read_slots(slots[start : start + READ_BATCH], block)
        return values

    def accounts(self, accounts: Iterable[str], block: int | None) -> dict[str, dict[int, int]]:
        """Everything that is stored of accounts: their words by place."""
        return gather(accounts, lambda places: self.words(places, block))

    def holdings(self, accounts: Iterable[str], block: int | None = None) -> list[Holding]:
        """The account words and stakes of many accounts, in the order asked for."""
        asked = list(accounts)
        found = gather_stakes(asked, lambda places: self.words(places, block))
        return [
            Holding(account, unpack_account(found[account][0]), stakes_nano(found[account]))
            for account in asked
        ]

    def standing_orders(self, accounts: Iterable[str], block: int | None = None) -> list[str]:
        """Those of the accounts to whom something is due, in the order given: one word is read of
        each."""
        asked = list(accounts)
        words = self.words([(account, 0) for account in asked], block)
        return [
            account
            for account, word in zip(asked, words, strict=True)
            if unpack_account(word).flags & HAS_DUE
        ]

    def _read_slots(self, slots: Sequence[int], block: int | None) -> list[int]:
        if not self._has_http:
            # ape's in-process chain reads storage of its newest block only
            if block not in (None, self._web3.eth.block_number):
                raise InvalidInput(
                    f"the in-process chain keeps no words of block {block}: use anvil"
                )
            read = self._web3.eth.get_storage_at
            return [int.from_bytes(read(self.address, slot), "big") for slot in slots]
        where = "latest" if block is None else hex(block)
        questions = [("eth_getStorageAt", [self.address, hex(slot), where]) for slot in slots]
        responses = batch(self._web3, questions)
        for response in responses:
            if "result" not in response:
                raise InvalidInput(
                    f"the node cannot read storage at block {where} ({response.get('error')}): use "
                    "an archive node, or one that takes batches of requests"
                )
        return [int(response["result"], 16) for response in responses]
