"""Deploying the escrow and its lens: what is planned, and that what stands there is that.

`deploy` reads everything back from the chain and refuses what is not as planned. A run that was
killed is carried on.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import ape
from ape.api import AccountAPI, ProviderAPI
from ape.managers.project import ProjectManager
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import encode_hex
from pydantic import TypeAdapter, ValidationError

from sluice.delivery import Delivery
from sluice.deployment import Deployment, Roles, block_hash, code_hash, network_name
from sluice.errors import ChainMismatch, InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.files import write_atomically
from sluice.inputs import as_address
from sluice.instructions import domain_separator
from sluice.lens import Lens
from sluice.manifest import tooling_commit
from sluice.node import is_local
from sluice.parameters import BPS, Parameters

OWNERSHIP = "OwnershipTransferred(address,address)"
"""What the escrow logs first of all."""


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


def deploy(
    plan: Plan,
    sender: AccountAPI,
    project: ProjectManager | None = None,
    delivery: Delivery | None = None,
    begun: Path | None = None,
) -> Deployment:
    """Deploys the escrow, what it needs if the plan names none, and its lens on the connected
    network; reads everything back. InvalidInput for a plan that cannot be, ChainMismatch if what
    stands there in the end is not what was planned: then it must not be used.

    `begun`: where it is written down, before anything is sent, with which nonce this begins, so
    that a run that was killed is carried on: what stands already where a nonce puts it is not
    deployed again. Who has written the record removes the file."""
    project = project or ape.project
    provider = ape.networks.provider
    delivery = delivery or Delivery(provider)
    start = _start(plan, sender, delivery, begun)
    plan = start.plan
    makes = _Maker(project, sender, delivery, start)

    token = to_checksum_address(plan.token) if plan.token else makes.contract("StandInNmr", False)
    burner = to_checksum_address(plan.burner) if plan.burner else makes.contract("NmrBurner", token)
    _check_burner(provider, burner, token)
    address = makes.contract(
        "Escrow",
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
    lens = makes.contract("Lens", address)
    for name, at in (("Escrow", address), ("Lens", lens)):
        runtime = bytes(project.contracts[name].get_runtime_bytecode() or b"")
        code = bytes(provider.get_code(at))
        # the values of immutables stand behind the code
        _compare(f"code of {name}", code[: len(runtime)].hex(), runtime.hex())
    block = provider.get_block(makes.block_of(address))
    return _read_back(plan, address, lens, token, burner, block)


@dataclass(frozen=True, slots=True)
class _Start:
    """How a deployment began: what was planned, on which chain, by whom, with which nonce, and
    after which block."""

    plan: Plan
    chain_id: int
    deployer: str
    nonce: int
    block: int
    block_hash: str


_START_ADAPTER = TypeAdapter(_Start)


def planned_before(begun: Path, provider: ProviderAPI) -> Plan | None:
    """What a run planned that began to deploy on this chain and did not end; None if there is
    none."""
    start = _started(begun, provider)
    return None if start is None else start.plan


def _started(begun: Path | None, provider: ProviderAPI) -> _Start | None:
    if begun is None or not begun.exists():
        return None
    try:
        start = _START_ADAPTER.validate_json(begun.read_bytes())
    except ValidationError as error:
        raise InvalidInput(f"{begun}: {error}: remove it to deploy from the start") from error
    here = (provider.chain_id, block_hash(provider, start.block))
    return start if here == (start.chain_id, start.block_hash) else None


def _start(plan: Plan, sender: AccountAPI, delivery: Delivery, begun: Path | None) -> _Start:
    provider = delivery.provider
    newest = provider.get_block("latest")
    nonce = delivery.begin(sender.address)
    start = _started(begun, provider)
    if start is not None:
        if (start.plan, start.deployer) != (plan, sender.address):
            raise InvalidInput(
                f"{begun}: {start.deployer} began to deploy {start.plan}: run the same again, or "
                "remove the file to deploy from the start"
            )
        return start
    check_plan(plan, newest.timestamp, is_local(provider))
    start = _Start(
        plan=plan,
        chain_id=provider.chain_id,
        deployer=sender.address,
        nonce=nonce,
        block=newest.number or 0,
        block_hash=encode_hex(bytes(newest.hash or b"")),
    )
    if begun is not None:
        write_atomically(begun, _START_ADAPTER.dump_json(start, indent=1) + b"\n")
    return start


class _Maker:
    """Makes contracts where the deployer's nonces put them, and none where one stands."""

    def __init__(
        self, project: ProjectManager, sender: AccountAPI, delivery: Delivery, start: _Start
    ) -> None:
        self._project = project
        self._sender = sender
        self._delivery = delivery
        self._start = start
        self._next = start.nonce

    def contract(self, name: str, *arguments: object) -> str:
        """The address of a contract of the project, made now unless an earlier run has made it."""
        address = to_checksum_address(self._sender.get_deployment_address(self._next))
        self._next += 1
        provider = self._delivery.provider
        if self._next <= self._delivery.nonce(self._sender.address):
            runtime = bytes(self._project.contracts[name].get_runtime_bytecode() or b"")
            if bytes(provider.get_code(address))[: len(runtime)] != runtime:
                raise ChainMismatch(
                    f"at {address}, where the deployment that has begun would have put {name}, "
                    "there is something else: the deployer has sent other transactions meanwhile; "
                    "remove the file that says where it began to deploy from the start"
                )
            return address
        transaction = self._project.get_contract(name)(*arguments)
        receipt = self._delivery.deliver(transaction, self._sender)
        _compare(f"address of {name}", receipt.contract_address, address)
        return address

    def block_of(self, address: str) -> int:
        """The block in which a contract was made that logs something when it is."""
        escrow = Escrow(address, self._delivery.provider)
        for _, logs in escrow.logs(OWNERSHIP, self._start.block, escrow.last_block().number):
            if logs:
                return int(logs[0]["blockNumber"])
        raise ChainMismatch(
            f"the node has no log of the deployment of {address}: ask another one (--network), "
            "then run this again"
        )


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
        block_hash=encode_hex(bytes(block.hash or b"")),
        code_hash=code_hash(provider, escrow.address),
        lens_code_hash=code_hash(provider, lens),
        compiler=f"vyper {version('vyper')}",
        commit=tooling_commit(),
    )


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


def _compare(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ChainMismatch(
            f"after the deployment the {name} is {found}, planned was {wanted}: do not use this "
            "contract; find out what happened and deploy again"
        )
