"""Where audits ended: rebuilt states at final blocks, and the manifests that were recomputed.

SQLite in a file unless a URL names another database. A checkpoint is only a shortcut: one that is
damaged, of another form, or of a block that the chain no longer has, is dropped, and what it stood
for is read again. Each write is one transaction of the database, so an audit can be killed at any
moment.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import (
    Engine,
    LargeBinary,
    String,
    UniqueConstraint,
    create_engine,
    delete,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sluice.audit import snapshots
from sluice.audit.manifests import Published
from sluice.audit.node import BlockId
from sluice.audit.rebuild import Rebuild
from sluice.deployment import Deployment
from sluice.errors import InvalidInput, SluiceError

KEPT = 3
"""Of each deployment, the newest ones."""


class CheckpointError(SluiceError):
    """The database does not answer as it has to."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A rebuilt state as of the end of a block."""

    block: BlockId
    rebuilt: Rebuild


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("deployment", "block"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    deployment: Mapped[str] = mapped_column(String(64), index=True)
    block: Mapped[int]
    block_hash: Mapped[str] = mapped_column(String(66))
    block_time: Mapped[int]
    state: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))


class _ManifestRow(_Base):
    __tablename__ = "published"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    contract: Mapped[str] = mapped_column(String(42))
    chain_id: Mapped[int]
    round_number: Mapped[int]
    links_applied: Mapped[int]
    links: Mapped[int]
    digest: Mapped[str] = mapped_column(String(66))
    followed_to: Mapped[int]


class Checkpoints:
    """The checkpoints of one deployment; a database may hold those of several."""

    def __init__(self, url: str, deployment: Deployment) -> None:
        """Opens the database and makes its tables if they are missing. InvalidInput, saying what to
        do, if there is none at `url`; a file that is damaged is put aside for a new one, and
        `notes` says so."""
        self.notes: list[str] = []
        self._url = url
        self._known: set[str] = set()
        self._deployment = deployment
        identity = f"{deployment.chain_id} {deployment.block_hash} {deployment.address}"
        self._key = sha256(identity.encode()).hexdigest()
        try:
            parsed = make_url(url)
            self._file: Path | None = None
            if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, ""):
                self._file = Path(str(parsed.database))
                self._file.parent.mkdir(parents=True, exist_ok=True)
            self._engine = self._opened()
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise InvalidInput(
                f"no checkpoints: {error}; name a file for them with --checkpoints, such as "
                "sqlite:///build/audit.sqlite"
            ) from error

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def each(self) -> Iterator[Checkpoint]:
        """The checkpoints, the newest first; one that is damaged is dropped, and `notes` says
        so."""
        for row in self._rows():
            block = BlockId(row.block, row.block_hash, row.block_time)
            try:
                if row.sha256 != _digest(block, row.state):
                    raise ValueError("its SHA-256 is another")
                text = zlib.decompress(row.state).decode()
                rebuilt = snapshots.from_text(text, self._deployment.parameters)
            except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
                self.drop(row.block, f"it is damaged ({error})")
                continue
            yield Checkpoint(block, rebuilt)

    def save(self, block: BlockId, rebuilt: Rebuild) -> None:
        """Keeps the state as of the end of a block, and of older ones the newest. If it cannot be
        kept, `notes` says so: the next audit then takes longer."""
        state = zlib.compress(snapshots.to_text(rebuilt).encode(), 1)
        row = _Row(
            deployment=self._key,
            block=block.number,
            block_hash=block.hash,
            block_time=block.time,
            state=state,
            sha256=_digest(block, state),
        )
        mine = {"deployment": self._key}
        try:
            with self._session() as session:
                session.execute(delete(_Row).filter_by(**mine, block=block.number))
                session.add(row)
                session.flush()
                newest = select(_Row.block).filter_by(**mine).order_by(_Row.block.desc())
                oldest = min(session.scalars(newest.limit(KEPT)))
                session.execute(delete(_Row).filter_by(**mine).where(_Row.block < oldest))
        except CheckpointError as error:
            self.notes.append(f"the state of block {block.number} was not kept: {error}")

    def drop(self, block: int, reason: str) -> None:
        """Forgets a checkpoint and notes why."""
        self.notes.append(f"the checkpoint of block {block} was dropped: {reason}")
        with self._session() as session:
            session.execute(delete(_Row).filter_by(deployment=self._key, block=block))

    def clear(self) -> None:
        """Forgets them all."""
        with self._session() as session:
            session.execute(delete(_Row).filter_by(deployment=self._key))

    def manifests(self) -> dict[str, Published]:
        """The manifests that were recomputed before, by the SHA-256 of their files."""
        fields = Published.__dataclass_fields__
        try:
            with self._session() as session:
                found = {
                    row.sha256: Published(**{name: getattr(row, name) for name in fields})
                    for row in session.scalars(select(_ManifestRow))
                }
        except CheckpointError as error:
            self._put_aside(error)
            found = {}
        self._known = set(found)
        return found

    def keep_manifest(self, published: Published) -> None:
        """Remembers that a manifest was recomputed."""
        if published.sha256 in self._known:
            return
        self._known.add(published.sha256)
        with self._session() as session:
            session.merge(_ManifestRow(**asdict(published)))

    def _rows(self) -> list[_Row]:
        try:
            with self._session() as session:
                wanted = select(_Row).filter_by(deployment=self._key).order_by(_Row.block.desc())
                rows = list(session.scalars(wanted))
                session.expunge_all()
                return rows
        except CheckpointError as error:
            self._put_aside(error)
            return []

    def _opened(self) -> Engine:
        engine = create_engine(self._url)
        try:
            _Base.metadata.create_all(engine)
        except DatabaseError as error:
            engine.dispose()
            self._move_away(error)
            engine = create_engine(self._url)
            _Base.metadata.create_all(engine)
        return engine

    def _put_aside(self, error: CheckpointError) -> None:
        """A new file in the place of a damaged one; the error if there is no file, or another run
        has it."""
        cause = error.__cause__
        if not isinstance(cause, DatabaseError):
            raise error
        self._engine.dispose()
        self._move_away(cause)
        self._engine = self._opened()

    def _move_away(self, error: DatabaseError) -> None:
        if self._file is None or not self._file.is_file() or "locked" in str(error):
            raise error
        aside = self._file.with_name(f"{self._file.name}.damaged")
        self._file.replace(aside)
        self.notes.append(
            f"the checkpoints in {self._file.name} are damaged ({error.orig}): put aside as "
            f"{aside.name}, all is read again"
        )

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self._engine) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise CheckpointError(
                f"the checkpoints fail: {error}; delete their file, or name another"
            ) from error


def _digest(block: BlockId, state: bytes) -> str:
    return sha256(f"{block.number} {block.hash} {block.time} ".encode() + state).hexdigest()
