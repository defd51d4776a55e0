"""The signed messages that a relay keeps, and what became of each.

SQLite in a file unless a URL names another database. The store only remembers: what has happened is
what the chain says (`sluice.relay.relay`), so a store that was lost or stopped half-way is set
right by looking at the chain again. Every method is one transaction of the database.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, String, UniqueConstraint, create_engine, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sluice.errors import InvalidInput, SluiceError
from sluice.inputs import as_address
from sluice.instructions import Domain, Signed, SignedInstruction, line, message_hash, parse


class StoreError(SluiceError):
    """The database does not answer as it has to."""


class State(StrEnum):
    """Where a message stands. `pending`: nothing sent yet; `sent`: handed to a node, outcome not
    yet seen; `applied`: done on the chain; `skipped`: can never be done any more; `expired`: its
    deadline has passed."""

    PENDING = "pending"
    SENT = "sent"
    APPLIED = "applied"
    SKIPPED = "skipped"
    EXPIRED = "expired"


OPEN = (State.PENDING, State.SENT)


class Added(StrEnum):
    """What `add` did: a new message; one that was there; the same message signed otherwise, whose
    signature replaces the old one."""

    NEW = "new"
    KNOWN = "known"
    SIGNED_AGAIN = "signed again"


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of the store. `by_key`: signed by its account's own key, else a contract wallet has
    to say whether the signature is good; `reason`: why it was skipped, or why it still waits;
    `transaction`: the hash of the one that carried it; `block`: the block from which the state is
    known, None while it is open."""

    number: int
    signed: Signed
    by_key: bool
    state: State
    reason: str | None
    transaction: str | None
    block: int | None

    @property
    def account(self) -> str:
        """Whose message it is."""
        return self.signed.message.account


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: its new state, and whence it is known."""

    number: int
    state: State
    reason: str | None = None
    transaction: str | None = None
    block: int | None = None


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "messages"

    number: Mapped[int] = mapped_column(primary_key=True)
    contract: Mapped[str] = mapped_column(String(42), index=True)
    chain_id: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    account: Mapped[str] = mapped_column(String(42), index=True)
    line: Mapped[str]
    by_key: Mapped[bool]
    state: Mapped[str] = mapped_column(String(8), index=True)
    reason: Mapped[str | None]
    transaction: Mapped[str | None] = mapped_column(String(66))
    block: Mapped[int | None]


class _Cursor(_Base):
    __tablename__ = "cursors"
    __table_args__ = (UniqueConstraint("contract", "chain_id"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    contract: Mapped[str] = mapped_column(String(42))
    chain_id: Mapped[int]
    block: Mapped[int]


class Store:
    """The messages for one contract on one chain; a database may hold those of several."""

    def __init__(self, url: str, domain: Domain) -> None:
        """Opens the database and makes its tables if they are missing; InvalidInput, saying what to
        do, if there is none at `url`."""
        self.domain = domain
        self._mine = {"contract": domain.contract, "chain_id": domain.chain_id}
        try:
            self._engine: Engine = create_engine(_prepared(url))
            _Base.metadata.create_all(self._engine)
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise InvalidInput(
                f"no relay store: {error}; name one with --store, such as "
                "sqlite:///relay.sqlite or postgresql://user@host/database"
            ) from error

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def add(self, signed: Signed, by_key: bool) -> Added:
        """Keeps a message, once: the same message again changes nothing, unless it is still open
        and signed otherwise, as a contract wallet may do."""
        if signed.domain != self.domain:
            raise InvalidInput(f"it is signed for {signed.domain}, this store is for {self.domain}")
        try:
            return self._add(signed, by_key)
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                # somebody else added it between the look and the write
                return Added.KNOWN
            raise

    def messages(
        self, states: Iterable[State] = tuple(State), account: str | None = None
    ) -> list[Stored]:
        """The messages in these states: instructions first, for each account in the order of their
        nonces, then requests in the order of their periods; of equals the one added first."""
        wanted = select(_Row).filter_by(**self._mine).where(_Row.state.in_(tuple(states)))
        if account is not None:
            wanted = wanted.filter_by(account=as_address(account) or account)
        with self._session() as session:
            found = [self._stored(row) for row in session.scalars(wanted)]
        return sorted(found, key=_order)

    def open_messages(self) -> list[Stored]:
        """Those that may still be done."""
        return self.messages(OPEN)

    def claim(self, numbers: Sequence[int]) -> None:
        """Marks messages as handed to a node; done before it happens, so that whoever finds them so
        looks at the chain."""
        with self._session() as session:
            for row in self._rows(session, numbers):
                row.state = State.SENT

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Writes down what became of messages."""
        with self._session() as session:
            self._record(session, outcomes)

    def release(self) -> None:
        """What was handed to a node and did not happen is pending again."""
        with self._session() as session:
            session.execute(
                update(_Row)
                .filter_by(**self._mine, state=State.SENT)
                .values(state=State.PENDING, transaction=None)
            )

    def seen_block(self) -> int | None:
        """The last block whose events are written down for good; None: nothing yet."""
        with self._session() as session:
            cursor = session.scalar(select(_Cursor).filter_by(**self._mine))
            return None if cursor is None else cursor.block

    def since(self, block: int) -> list[Stored]:
        """The messages that are open, or closed by what was seen after `block`: a reorganisation of
        the chain may have undone it."""
        recent = _Row.state.in_(OPEN) | (_Row.block > block)
        with self._session() as session:
            rows = session.scalars(select(_Row).filter_by(**self._mine).where(recent))
            return sorted((self._stored(row) for row in rows), key=_order)

    def settle(self, after: int, outcomes: Iterable[Outcome], seen_block: int) -> None:
        """Replaces what was known from blocks after `after` by `outcomes`, and remembers how far
        the chain is seen for good."""
        with self._session() as session:
            session.execute(
                update(_Row)
                .filter_by(**self._mine)
                .where(_Row.block > after)
                .values(state=State.PENDING, reason=None, transaction=None, block=None)
            )
            self._record(session, outcomes)
            cursor = session.scalar(select(_Cursor).filter_by(**self._mine))
            if cursor is None:
                cursor = _Cursor(**self._mine)
                session.add(cursor)
            cursor.block = seen_block

    def _add(self, signed: Signed, by_key: bool) -> Added:
        digest = message_hash(signed.message, signed.domain).hex()
        with self._session() as session:
            row = session.scalar(select(_Row).where(_Row.digest == digest))
            if row is None:
                fields: dict[str, Any] = {
                    **self._mine,
                    "digest": digest,
                    "account": signed.message.account,
                    "line": line(signed),
                    "by_key": by_key,
                    "state": State.PENDING,
                }
                session.add(_Row(**fields))
                return Added.NEW
            if row.line == line(signed) or row.state != State.PENDING or row.by_key:
                return Added.KNOWN
            row.line, row.by_key = line(signed), by_key
            return Added.SIGNED_AGAIN

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self._engine) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise StoreError(f"the relay store failed: {error}; nothing of it is lost") from error

    def _record(self, session: Session, outcomes: Iterable[Outcome]) -> None:
        by_number = {outcome.number: outcome for outcome in outcomes}
        for row in self._rows(session, by_number):
            outcome = by_number[row.number]
            row.state, row.reason = outcome.state, outcome.reason
            row.transaction, row.block = outcome.transaction, outcome.block

    def _rows(self, session: Session, numbers: Iterable[int]) -> list[_Row]:
        wanted = select(_Row).filter_by(**self._mine).where(_Row.number.in_(list(numbers)))
        return list(session.scalars(wanted))

    def _stored(self, row: _Row) -> Stored:
        return Stored(
            number=row.number,
            signed=parse(row.line, self.domain),
            by_key=row.by_key,
            state=State(row.state),
            reason=row.reason,
            transaction=row.transaction,
            block=row.block,
        )


def _prepared(url: str) -> URL:
    """The URL with the driver that this project installs; the folder of a file is made."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    return parsed


def _order(stored: Stored) -> tuple[bool, str, int, int]:
    signed = stored.signed
    if isinstance(signed, SignedInstruction):
        return False, stored.account, signed.message.nonce, stored.number
    return True, stored.account, signed.message.period, stored.number
