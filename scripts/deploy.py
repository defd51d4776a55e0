"""Deploy the escrow and its lens, read them back, record them."""

from datetime import timedelta
from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.delivery import Terms
from sluice.deploying import Plan, check_plan, deploy, planned_before
from sluice.deployment import Roles, is_alive, record_path, write_record
from sluice.errors import InvalidInput
from sluice.node import is_local
from sluice.sending import (
    Command,
    Output,
    chain_time,
    confirm,
    delivery,
    delivery_options,
    in_an_hour,
    json_option,
    parse_time,
    record_option,
    signer,
    when,
    yes_option,
)

WEEK_S = int(timedelta(weeks=1).total_seconds())
DAY_S = int(timedelta(days=1).total_seconds())


@click.command(cls=Command)
@click.option(
    "--account", required=True, help="Who deploys: an ape alias, or a test account's number."
)
@click.option("--owner", help="The multisig that appoints operator and guardian.")
@click.option("--operator", help="The key that announces rounds and pays free withdrawals.")
@click.option("--guardian", help="The key that may stop a round.")
@click.option("--first-pass", type=int, required=True, help="Number of the first round to resolve.")
@click.option("--first-pass-time", help="When it may be announced; on a local chain in an hour.")
@click.option("--round-length", type=int, default=WEEK_S, show_default=True, help="Seconds.")
@click.option("--window", type=int, default=DAY_S, show_default=True, help="Seconds to challenge.")
@click.option("--grace", type=int, default=3 * WEEK_S, show_default=True, help="Seconds.")
@click.option("--cap-bps", type=int, default=2_500, show_default=True, help="Most that burns.")
@click.option("--token", help="The NMR token; on a local chain a stand-in is made.")
@click.option("--burner", help="The burner of that token; left out: one is deployed.")
@delivery_options
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    account: str,
    owner: str | None,
    operator: str | None,
    guardian: str | None,
    first_pass: int,
    first_pass_time: str | None,
    round_length: int,
    window: int,
    grace: int,
    cap_bps: int,
    token: str | None,
    burner: str | None,
    terms: Terms,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Deploy the escrow and its lens: show what will be done, confirm, deploy, read every parameter
    back from the chain, and record where they are in deployments/<network>.json.

    \b
    On a local chain, everything by default:
      ape run deploy --network ethereum:local:foundry --account 0 --first-pass 261
    On the live network:
      ape run deploy --network ethereum:mainnet:node --account deployer \\
        --owner 0x... --operator 0x... --guardian 0x... --token 0x1776e1F2... \\
        --first-pass 1000 --first-pass-time 2026-01-03T18:00:00Z

    A record whose contract is alive on the connected chain is never overwritten. Run again after
    it was killed, it carries on: a file beside the record says where it began.

    Exit codes: 0 deployed and recorded; 1 refused or failed; 2 wrong arguments; 3 come back later:
    a transaction of the deployer waits for a block, or the node is behind.
    """
    output = Output(as_json)
    path = record or record_path(provider)
    if is_alive(path, provider):
        raise InvalidInput(
            f"{path}: its contract is alive on this chain: name another --record to deploy a "
            "second one, or remove the file if you mean to forget it"
        )
    deployer = signer(account, "deployer", account)
    if not is_local(provider) and None in (owner, operator, guardian, first_pass_time):
        raise InvalidInput("name --owner, --operator, --guardian and --first-pass-time")
    sends = delivery(provider, terms)
    begun = path.with_suffix(".begun")
    before = planned_before(begun, provider)
    first_time = parse_time(first_pass_time) if first_pass_time else in_an_hour(provider)
    if before is not None and first_pass_time is None:
        first_time = before.first_pass_time
    plan = Plan(
        roles=Roles(*(role or deployer.address for role in (owner, operator, guardian))),
        first_pass=first_pass,
        first_pass_time=first_time,
        round_length_s=round_length,
        window_s=window,
        grace_s=grace,
        cap_bps=cap_bps,
        token=token,
        burner=burner,
    )
    if before is None:
        check_plan(plan, chain_time(provider), is_local(provider))
    else:
        output.say(f"{begun}: a run began to deploy and did not end; this one carries it on")
    output.table(
        "To be deployed",
        [
            ("chain", str(provider.chain_id)),
            ("deployer", deployer.address),
            ("token", token or "a stand-in for NMR, made now"),
            ("burner", burner or "made now"),
            ("owner", plan.roles.owner),
            ("operator", plan.roles.operator),
            ("guardian", plan.roles.guardian),
            ("first pass", f"round {first_pass}, {when(plan.first_pass_time)}"),
            ("round, window, grace", f"{round_length} s, {window} s, {grace} s"),
            ("cap", f"{cap_bps} basis points"),
            ("record", str(path)),
        ],
    )
    confirm("Deploy?", yes, output)

    deployment = deploy(plan, deployer, delivery=sends, begun=begun)
    write_record(deployment, path)
    begun.unlink(missing_ok=True)
    output.say(
        f"escrow at {deployment.address}, lens at {deployment.lens}, read back as planned; "
        f"recorded in {path}"
    )
    output.end(
        {
            "address": deployment.address,
            "lens": deployment.lens,
            "token": deployment.token,
            "burner": deployment.burner,
            "block": deployment.block,
            "record": str(path),
        }
    )
