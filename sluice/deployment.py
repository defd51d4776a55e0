"""Deploying the escrow and its lens, and the record that says where they are.

`deploy` reads everything back from the chain and refuses what is not as planned. The record lies in
`deployments/<network>.json`; `load_and_check` refuses to work on a chain or a contract that is not
the recorded one. Records of local chains are not for the repository.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import ape
from ape.api import AccountAPI, ProviderAPI
from ape.exceptions import ApeException
from ape.managers.project import ProjectManager
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from pydantic import TypeAdapter, ValidationError
from web3.exceptions import BlockNotFound

from sluice.contract import is_local
from sluice.errors import ChainMismatch, InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.files import write_atomically
from sluice.inputs import as_address
from sluice.instructions import domain_separator
from sluice.lens import Lens
from sluice.manifest import tooling_commit
from sluice.parameters import BPS, Parameters

FOLDER = Path("deployments")
NO_CODE_HASH = "0x" + keccak(b"").hex()


@dataclass(frozen=True, slots=True)
class Roles:
    """Who may act, as checksum addresses."""

    owner: str
    operator: str
    guardian: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deployed. `token` None: a stand-in for NMR, on local chains only; `burner`
    None: one is deployed for the token. Rounds are the tournament's numbers, times unix seconds."""

    roles: Roles
    first_pass: int
    first_pass_time: int
    round_length_s: int = 7 * 24 * 3600
    window_s: int = 24 * 3600
    grace_s: int = 21 * 24 * 3600
    cap_bps: int = 2_500
    token: str | None = None
    burner: str | None = None


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


def check_plan(plan: Plan, now: int, local: bool) -> None:
    """Refuses, before anything is sent, what the constructor would refuse or nobody could want;
    InvalidInput."""
    for name, address in (
        ("owner", plan.roles.owner),
        ("operator", plan.roles.operator),
        ("guardian", plan.roles.guardian),
        ("token", plan.token),
        ("burner", plan.burner),
    ):
        if address is not None and (as_address(address) is None or int(address, 16) == 0):
            raise InvalidInput(f"{name}: {address} is no address: write 0x and 40 digits")
    if plan.token is None and not local:
        raise InvalidInput("token: name the NMR token; a stand-in is for local chains only")
    if plan.burner is not None and plan.token is None:
        raise InvalidInput("burner: it is made for one token, so name the token as well")
    if plan.first_pass < 1:
        raise InvalidInput("first_pass: rounds are numbered from 1")
    if plan.first_pass_time <= now:
        raise InvalidInput(
            f"first_pass_time: {plan.first_pass_time} is past (the chain's time is {now}): name "
            "the next weekly pass"
        )
    if 2 * plan.window_s >= plan.round_length_s:
        raise InvalidInput("window: must be under half the round length")
    if plan.window_s >= plan.grace_s:
        raise InvalidInput("window: must be shorter than the grace")
    if not 0 < 4 * plan.cap_bps <= BPS:
        raise InvalidInput("cap_bps: 1 to 2,500, four open rounds may risk 100% at most")


def deploy(plan: Plan, sender: AccountAPI, project: ProjectManager | None = None) -> Deployment:
    """Deploys the escrow, what it needs if the plan names none, and its lens on the connected
    network; reads everything back. InvalidInput for a plan that cannot be, ChainMismatch if what
    stands there in the end is not what was planned: then it must not be used."""
    project = project or ape.project
    provider = ape.networks.provider
    check_plan(plan, provider.get_block("latest").timestamp, is_local(provider))

    if plan.token is None:
        token = to_checksum_address(sender.deploy(project.StandInNmr, False).address)
    else:
        token = to_checksum_address(plan.token)
    if plan.burner is None:
        burner = to_checksum_address(sender.deploy(project.NmrBurner, token).address)
    else:
        burner = to_checksum_address(plan.burner)
    _check_burner(provider, burner, token)

    contract = sender.deploy(
        project.Escrow,
        token,
        burner,
        plan.roles.owner,
        plan.roles.operator,
        plan.roles.guardian,
        plan.first_pass,
        plan.first_pass_time,
        plan.round_length_s,
        plan.window_s,
        plan.grace_s,
        plan.cap_bps,
    )
    block = provider.get_block(contract.creation_metadata.block)
    lens = to_checksum_address(sender.deploy(project.Lens, contract.address).address)
    for name, address in (("Escrow", contract.address), ("Lens", lens)):
        runtime = bytes(project.contracts[name].get_runtime_bytecode() or b"")
        code = bytes(provider.get_code(address))
        # the values of immutables stand behind the code
        _compare(f"code of {name}", code[: len(runtime)].hex(), runtime.hex())
    return _read_back(plan, contract.address, lens, token, burner, block)


def _read_back(
    plan: Plan, address: str, lens: str, token: str, burner: str, block: ape.api.BlockAPI
) -> Deployment:
    provider = ape.networks.provider
    escrow = Escrow(address, provider)
    chain_id = provider.chain_id
    state = escrow.round_state()
    wanted = Parameters(
        first_pass=plan.first_pass,
        first_pass_time=plan.first_pass_time,
        deployed_at=block.timestamp,
        round_length_s=plan.round_length_s,
        window_s=plan.window_s,
        grace_s=plan.grace_s,
        cap_bps=plan.cap_bps,
    )
    roles = Roles(*(to_checksum_address(r) for r in (
        plan.roles.owner, plan.roles.operator, plan.roles.guardian
    )))  # fmt: skip
    _compare("token", escrow.terms().token, token)
    _compare("burner", escrow.terms().burner, burner)
    _compare("parameters", escrow.parameters(), wanted)
    _compare("roles", Roles(escrow.owner(), escrow.operator(), escrow.guardian()), roles)
    _compare("resolved round", state.resolved, plan.first_pass - 1)
    _compare("reserve", escrow.reserve_nano(), 0)
    _compare("signing domain", escrow.domain(), domain_separator(chain_id, escrow.address))
    _compare("lens's escrow", Lens(lens, provider).escrow(), escrow.address)
    return Deployment(
        network=network_name(provider),
        chain_id=chain_id,
        address=escrow.address,
        lens=lens,
        token=token,
        burner=burner,
        roles=roles,
        parameters=wanted,
        block=block.number or 0,
        block_hash=_hex(bytes(block.hash or b"")),
        code_hash=_code_hash(provider, escrow.address),
        lens_code_hash=_code_hash(provider, lens),
        compiler=f"vyper {version('vyper')}",
        commit=tooling_commit(),
    )


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


def load_and_check(path: Path, provider: ProviderAPI | None = None) -> tuple[Deployment, Escrow]:
    """The recorded deployment, seen to be the one on the connected chain, and its contract.

    Raises ChainMismatch for another network, another chain, a contract with other code or other
    parameters than recorded, or a lens that looks at another escrow, saying what to do; nothing has
    been sent then."""
    deployment = read_record(path)
    provider = provider or ape.networks.provider
    check_chain(deployment, provider)
    return deployment, Escrow(deployment.address, provider)


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
    block_hash = _block_hash(provider, deployment.block)
    if block_hash != deployment.block_hash:
        raise ChainMismatch(
            f"block {deployment.block} of the connected chain is {block_hash or 'not there'}, the "
            f"record says {deployment.block_hash}: this is another chain with the same id, or one "
            "that was started anew; connect to the recorded one, or deploy again"
        )
    for address, recorded_hash in (
        (deployment.address, deployment.code_hash),
        (deployment.lens, deployment.lens_code_hash),
    ):
        found_hash = _code_hash(provider, address)
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


def _check_burner(provider: ProviderAPI, burner: str, token: str) -> None:
    contracts = Escrow(burner, provider)
    for name, address in (("token", token), ("burner", burner)):
        if not provider.get_code(address):
            raise ChainMismatch(
                f"{name}: no contract at {address}: check the address and --network"
            )
    try:
        answer = contracts.dry_run(keccak(b"token()")[:4], None)
    except Refused as error:
        raise ChainMismatch(f"burner: {burner} does not name its token ({error})") from error
    if to_checksum_address(answer[-20:].rjust(20, b"\0")) != token:
        raise ChainMismatch(
            f"burner: {burner} is of another token than {token}: leave --burner out and one is "
            "deployed"
        )


def _block_hash(provider: ProviderAPI, number: int) -> str | None:
    try:
        return _hex(bytes(provider.get_block(number).hash or b""))
    except (ApeException, BlockNotFound):
        return None


def _code_hash(provider: ProviderAPI, address: str) -> str:
    return _hex(keccak(bytes(provider.get_code(address))))


def _compare(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ChainMismatch(
            f"after the deployment the {name} is {found}, planned was {wanted}: do not use this "
            "contract; find out what happened and deploy again"
        )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
