"""A deployed escrow and its lens: the record that says where they are.

The record lies in `deployments/<network>.json`; `load_and_check` refuses to work on a chain or a
contract that is not the recorded one. Records of local chains are not for the repository.
"""

from dataclasses import dataclass
from pathlib import Path

import ape
from ape.api import ProviderAPI
from ape.exceptions import ApeException
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import encode_hex
from pydantic import TypeAdapter, ValidationError
from web3.exceptions import BlockNotFound

from sluice.delivery import Delivery
from sluice.errors import ChainMismatch, InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.files import write_atomically
from sluice.lens import Lens
from sluice.node import is_local
from sluice.parameters import Parameters

FOLDER = Path("deployments")
NO_CODE_HASH = "0x" + keccak(b"").hex()


@dataclass(frozen=True, slots=True)
class Roles:
    """Who may act, as checksum addresses."""

    owner: str
    operator: str
    guardian: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed escrow and the lens that looks at it: where they are, what they were made with,
    and how to tell them from others.

    `network` as `network_name` has it, `block` that of the escrow's deployment, code hashes keccak
    of the runtime codes, which have the parameters in them; hashes are 0x and 64 hexadecimal
    digits."""

    network: str
    chain_id: int
    address: str
    lens: str
    token: str
    burner: str
    roles: Roles
    parameters: Parameters
    block: int
    block_hash: str
    code_hash: str
    lens_code_hash: str
    compiler: str
    commit: str


_ADAPTER = TypeAdapter(Deployment)


def record_path(provider: ProviderAPI) -> Path:
    """Where the record of the connected network lies, below the project's folder."""
    return FOLDER / f"{network_name(provider)}.json"


def manifests_folder(provider: ProviderAPI) -> Path:
    """Where the connected network's manifests lie, below the project's folder: those of a local
    chain are not for the repository."""
    folder = Path("build/manifests") if is_local(provider) else Path("manifests")
    return folder / network_name(provider)


def network_name(provider: ProviderAPI) -> str:
    """What the connected network is called in records: ape's name; "local" for a development chain,
    also where it was connected to by its address; a fork's has "local-" before it."""
    name = str(provider.network.name)
    if not is_local(provider):
        return name
    return "local" if name in ("local", "custom") else f"local-{name}"


def write_record(deployment: Deployment, path: Path) -> None:
    """Writes the record, whole or not at all."""
    write_atomically(path, _ADAPTER.dump_json(deployment, indent=1) + b"\n")


def read_record(path: Path) -> Deployment:
    """Reads a record; InvalidInput if there is none or it is not a whole one."""
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput(
            f"{path}: {error.strerror}: deploy first (`ape run deploy`, or `make devnet` for a "
            "local chain), or name the record with --record"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(f"{path}: {where}: {first['msg']}: restore the record") from error


def load_and_check(
    path: Path, provider: ProviderAPI | None = None, delivery: Delivery | None = None
) -> tuple[Deployment, Escrow]:
    """The recorded deployment, seen to be the one on the connected chain, and its contract, which
    sends by `delivery`.

    Raises ChainMismatch for another network, another chain, a contract with other code or other
    parameters than recorded, or a lens that looks at another escrow, saying what to do; nothing has
    been sent then."""
    deployment = read_record(path)
    provider = provider or ape.networks.provider
    check_chain(deployment, provider)
    return deployment, Escrow(deployment.address, provider, delivery)


def check_chain(deployment: Deployment, provider: ProviderAPI) -> None:
    """ChainMismatch unless the recorded deployment is on the connected chain as recorded."""
    network = network_name(provider)
    chain_id = provider.chain_id
    if chain_id != deployment.chain_id:
        raise ChainMismatch(
            f"the record is of {deployment.network}, chain {deployment.chain_id}; connected is "
            f"{network}, chain {chain_id}: choose the other with --network, or name another record "
            "with --record"
        )
    found_block = block_hash(provider, deployment.block)
    if found_block != deployment.block_hash:
        raise ChainMismatch(
            f"block {deployment.block} of the connected chain is {found_block or 'not there'}, the "
            f"record says {deployment.block_hash}: this is another chain with the same id, or one "
            "that was started anew; connect to the recorded one, or deploy again"
        )
    for address, recorded_hash in (
        (deployment.address, deployment.code_hash),
        (deployment.lens, deployment.lens_code_hash),
    ):
        found_hash = code_hash(provider, address)
        if found_hash != recorded_hash:
            raise ChainMismatch(
                f"the code at {address} is not the recorded one "
                f"({'there is none' if found_hash == NO_CODE_HASH else found_hash}): do not use "
                "it; restore the record from the repository, or deploy again"
            )
    looked_at = Lens(deployment.lens, provider).escrow()
    if looked_at != deployment.address:
        raise ChainMismatch(
            f"the lens at {deployment.lens} looks at the escrow {looked_at}, the record says "
            f"{deployment.address}: do not use it; restore the record from the repository"
        )
    terms = Escrow(deployment.address, provider).terms()
    recorded = (deployment.token, deployment.burner, deployment.parameters)
    found = (terms.token, terms.burner, terms.parameters)
    if found != recorded:
        raise ChainMismatch(
            f"the contract at {deployment.address} was made with {found}, the record says "
            f"{recorded}: do not use it; restore the record from the repository"
        )


def is_alive(path: Path, provider: ProviderAPI) -> bool:
    """Whether there is a record whose contract stands on the connected chain."""
    if not path.exists():
        return False
    try:
        check_chain(read_record(path), provider)
    except (ChainMismatch, InvalidInput, Refused):
        return False
    return True


def block_hash(provider: ProviderAPI, number: int) -> str | None:
    """The hash of a block of the connected chain, None if it has none of this number."""
    try:
        return encode_hex(bytes(provider.get_block(number).hash or b""))
    except (ApeException, BlockNotFound):
        return None


def code_hash(provider: ProviderAPI, address: str) -> str:
    """Keccak of the runtime code at an address."""
    return encode_hex(keccak(bytes(provider.get_code(address))))
