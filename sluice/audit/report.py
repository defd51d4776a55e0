"""The audit's page: what holds and what does not, as a table and as a document."""

from collections.abc import Iterator
from dataclasses import asdict

from eth_utils.address import to_checksum_address
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sluice.audit.auditor import Report
from sluice.audit.findings import Check
from sluice.audit.journal import End
from sluice.sending import nmr, when
from sluice.units import BASE_UNITS_A_NANO
from sluice.words import NO_DIGEST

SHOWN = 20
"""Findings on the page; the document has all."""

CHECKED = {
    Check.EVENTS: "events",
    Check.RULES: "rules",
    Check.ROUNDS: "rounds",
    Check.MANIFESTS: "manifests",
    Check.ACCOUNTS: "accounts",
    Check.TREASURY: "treasury",
    Check.CONSERVATION: "conservation",
    Check.ROUND_STATE: "round state",
    Check.ROLES: "roles, pause",
}


def page(report: Report) -> RenderableType:
    """One page for a person."""
    deployment = report.deployment
    title = (
        f"Audit of the escrow {deployment.address} on {deployment.network} (chain "
        f"{deployment.chain_id})\nas of block {report.block.number}, {when(report.block.time)}, "
        f"{report.block.hash}"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("check")
    table.add_column("holds")
    table.add_column("what was checked", overflow="fold")
    said = dict(_said(report))
    for check, name in CHECKED.items():
        against = len(report.of(check))
        what = f"findings below: {against}" if against else said[check]
        table.add_row(name, Text.from_markup(_verdict(report, check)), Text(what))
    lines: list[RenderableType] = [table]
    lines += [Text(f"note: {note}") for note in report.notes]
    lines += [Text(f"warning: {warning}", style="yellow") for warning in report.warnings]
    lines += [Text(f"{CHECKED[f.check]}: {f}", style="red") for f in report.findings[:SHOWN]]
    if len(report.findings) > SHOWN:
        lines.append(Text(f"and {len(report.findings) - SHOWN} more: --json has them all"))
    since = "from the deployment on"
    if report.since is not None:
        since = f"from the checkpoint of block {report.since} on"
    lines.append(Text(f"Read {since}, {report.seconds:.1f} s."))
    lines.append(
        Text("Everything that was checked holds.", style="green")
        if report.holds
        else Text(
            f"What does not hold: {len(report.findings)}. Trust nothing of it before you know why.",
            style="red",
        )
    )
    return Group(*lines)


def document(report: Report) -> dict[str, object]:
    """All of it for a program: amounts in nano-NMR, the balance in base units."""
    totals = report.totals
    return {
        "holds": report.holds,
        "contract": report.deployment.address,
        "chain_id": report.deployment.chain_id,
        "network": report.deployment.network,
        "block": report.block.number,
        "block_hash": report.block.hash,
        "time": report.block.time,
        "since_block": report.since,
        "seconds": round(report.seconds, 3),
        "checks": {check.value: _holds(report, check) for check in CHECKED},
        "findings": [
            {**asdict(finding), "check": finding.check.value} for finding in report.findings
        ],
        "warnings": report.warnings,
        "notes": report.notes,
        "events": report.rebuilt.counts.total(),
        "accounts": len(report.rebuilt.ledger.accounts),
        "words": report.words,
        **{name: report.rebuilt.done[name] for name in ("entries", "instructions")},
        "free_withdrawals": report.rebuilt.done["free_withdrawals"],
        "rounds_resolved": _rounds(report),
        "links": _links(report),
        "manifests_recomputed": report.recomputed,
        "manifests_missing": list(report.missing),
        "pools_nano": totals.pools_nano,
        "stakes_nano": totals.stakes_nano,
        "reserve_nano": totals.reserve_nano,
        "burned_nano": totals.burned_nano,
        "balance_units": totals.balance_units,
        "over_units": totals.over_units,
    }


def _holds(report: Report, check: Check) -> bool | None:
    """None: it was not checked."""
    if check is Check.MANIFESTS and report.recomputed is None:
        return None
    return not report.of(check)


def _verdict(report: Report, check: Check) -> str:
    verdicts = {True: "[green]yes[/green]", False: "[red]NO[/red]", None: "not checked"}
    return verdicts[_holds(report, check)]


def _said(report: Report) -> Iterator[tuple[Check, str]]:
    rebuilt, totals = report.rebuilt, report.totals
    ledger, done = rebuilt.ledger, rebuilt.done
    first = report.deployment.block
    yield (
        Check.EVENTS,
        f"events of blocks {first} to {report.block.number}: {rebuilt.counts.total():,}, every one "
        "known and in order",
    )
    yield (
        Check.RULES,
        f"entries within the bounds of their rounds: {done['entries']:,}; instructions: "
        f"{done['instructions']:,}; free withdrawals: {done['free_withdrawals']:,}; each allowed "
        "by the ledger",
    )
    yield (
        Check.ROUNDS,
        f"rounds resolved: {_rounds(report)}, link by link ({_links(report):,}) what was "
        "announced, after the window",
    )
    yield Check.MANIFESTS, _manifests(report)
    yield (
        Check.ACCOUNTS,
        f"accounts: {len(ledger.accounts):,}; words as rebuilt: {report.words:,}",
    )
    yield (
        Check.TREASURY,
        f"reserve {nmr(totals.reserve_nano)}, burned {nmr(totals.burned_nano)}, as rebuilt",
    )
    yield Check.CONSERVATION, _conservation(report)
    announced = "nothing announced"
    if ledger.digest != NO_DIGEST:
        announced = f"the next announced at {when(ledger.announced_at)}"
    yield Check.ROUND_STATE, f"round {ledger.resolved} is the last one done, {announced}"
    roles = rebuilt.roles
    yield (
        Check.ROLES,
        "".join(
            f"{name} {to_checksum_address(address)}\n"
            for name, address in (
                ("owner", roles.owner),
                ("operator", roles.operator),
                ("guardian", roles.guardian),
            )
        )
        + (f"paused at {when(ledger.paused_at)}" if ledger.paused_at else "not paused"),
    )


def _manifests(report: Report) -> str:
    if report.recomputed is None:
        return "name their folder with --manifests"
    said = f"announced digests recomputed from their manifests: {report.recomputed}"
    if not report.missing:
        return said
    rounds = ", ".join(map(str, sorted(set(report.missing))[:SHOWN]))
    more = ", ..." if len(set(report.missing)) > SHOWN else ""
    return f"{said}; without one in the folder: {len(report.missing)}, of round {rounds}{more}"


def _conservation(report: Report) -> str:
    totals = report.totals
    sums = (
        f"pools {nmr(totals.pools_nano)} + stakes {nmr(totals.stakes_nano)} + reserve + burned = "
        f"{nmr(totals.held_nano)}"
    )
    if totals.over_units == 0:
        return f"{sums}, exactly the token balance"
    if totals.over_units < 0:
        return f"{sums}, more than the token balance"
    over_nano, units = divmod(totals.over_units, BASE_UNITS_A_NANO)
    over = nmr(over_nano) + (f" and {units} base units" if units else "")
    return (
        f"{sums}; the token balance is {over} more, which somebody sent without depositing: it "
        "belongs to nobody"
    )


def _rounds(report: Report) -> int:
    return sum(a.end is End.RESOLVED for a in report.rebuilt.journal.announcements)


def _links(report: Report) -> int:
    return sum(announced.links for announced in report.rebuilt.journal.announcements)
