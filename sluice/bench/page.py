"""What of docs/gas.md is made from the committed snapshots: everything between its marks."""

import re

from sluice.access_lists import KEY_BYTES, KEY_SAVES, LISTED_ADDRESS_GAS, PAYS_FROM_KEYS
from sluice.bench.fits import fit, steeper_per_mille
from sluice.bench.growth import Growth
from sluice.bench.names import LABELS, ORDINARY, PLAIN
from sluice.bench.page_money import money_blocks
from sluice.bench.page_text import share, table, times
from sluice.bench.peers import (
    BESIDE,
    MODELS,
    PASSES,
    ROCKET_POOL_FORTNIGHT_GAS,
    V3_FORTNIGHT_GAS,
)
from sluice.bench.pictures import BATCHES, DESTINATIONS
from sluice.bench.pictures import MODELS as OF_MODELS
from sluice.bench.snapshots import Conditions, Snapshots
from sluice.errors import InvalidInput
from sluice.gas_snapshot import LIMITS

_BLOCK = re.compile(r"(<!-- made by the bench: (\w+) -->\n).*?(<!-- until here -->)", re.DOTALL)
_ROW = re.compile(r"^(\| .* )\(`(\w+)`\) \| [\d,]+ \| ?[\d,]* ?\| ?\d*%? ?\|$", re.MULTILINE)

WAYS = (
    ("a free withdrawal", "pay_signed_marginal", "withdraw", "pay_signed_marginal"),
    ("earnings sent to the wallet", "pay_due_marginal", "withdraw", None),
    (
        "stake moved between two models",
        "relay_rebalance_marginal",
        "set_stakes_two_models",
        "set_stakes_two_models",
    ),
    ("another split", "relay_split_marginal", "set_split_again", None),
)
"""An action: signed and in a batch, by a transaction of the user's own, and plainly."""


LISTS = (
    ("resolve_one_model_marginal", "resolve_one_model_listed_marginal"),
    ("pay_signed_marginal", "pay_signed_listed_marginal"),
    ("pay_due_marginal", "pay_due_listed_marginal"),
    ("relay_rebalance_marginal", "relay_rebalance_listed_marginal"),
    ("fortnight", "fortnight_listed"),
    ("resolve_round_260_total", "resolve_round_260_listed_total"),
)
"""A figure without access lists, and the same with them."""


def fill(page: str, snapshots: Snapshots) -> str:
    """The page with what its marks name put between them; InvalidInput for a mark that names
    nothing, and if something of the bench has no place on the page."""
    made = blocks(snapshots)
    named = [name for _, name, _ in _BLOCK.findall(page)]
    if sorted(named) != sorted(made):
        wrong = ", ".join(sorted(set(named) ^ set(made))) or "one of them twice"
        raise InvalidInput(f"docs/gas.md: its marks and what the bench makes differ: {wrong}")
    return _BLOCK.sub(lambda mark: f"{mark[1]}\n{made[mark[2]]}\n\n{mark[3]}", page)


def refresh(document: str, figures: dict[str, int]) -> str:
    """A document whose tables name keys, with their figures of now: rows of words, then in brackets
    the key; the figure; the same plainly, or nothing; its share of that, or nothing."""

    def row(found: re.Match[str]) -> str:
        gas, plain = figures[found[2]], figures.get(PLAIN + found[2])
        beside = (f"{plain:,}", share(gas, plain)) if plain else ("", "")
        return " | ".join((f"{found[1]}(`{found[2]}`)", f"{gas:,}", *beside)).rstrip(" |") + (
            " |" if plain else " | | |"
        )

    return _ROW.sub(row, document)


def blocks(snapshots: Snapshots) -> dict[str, str]:
    """Everything that the bench puts on the page, by name."""
    figures = snapshots.figures
    return {
        "conditions": _conditions(snapshots.conditions),
        "limits": _limits(figures),
        "fortnight": _fortnight(figures),
        "figures": _all_figures(figures),
        "lists": _lists(figures),
        "ways": _three_ways(figures),
        "senders": _senders(figures),
        "peers": _peers(figures),
        "growth": _growth(snapshots.growth),
        **money_blocks(snapshots.weeks),
    }


def _conditions(conditions: Conditions) -> str:
    return table(
        ("chain", "hardfork", "compiler"),
        [(conditions.client, conditions.hardfork, conditions.compiler)],
        words=3,
    )


def _limits(figures: dict[str, int]) -> str:
    rows = [
        (LABELS[key], f"`{key}`", f"{figures[key]:,}", f"{limit:,}")
        for key, limit in LIMITS.items()
        if key in figures
    ]
    return table(("", "key", "now", "at most"), rows, words=2)


def _fortnight(figures: dict[str, int]) -> str:
    ours = figures["fortnight"]
    others = (
        (f"NumeraiTournamentV3: {MODELS} models, {PASSES} rounds, a withdrawal", V3_FORTNIGHT_GAS),
        ("Rocket Pool: claimAndStake, twice", ROCKET_POOL_FORTNIGHT_GAS),
    )
    rows = [
        ("this contract, operator and relayer", f"{ours:,}", ""),
        ("of it the user", f"{figures['fortnight_user']:,}", ""),
        ("with an ordinary ERC-20", f"{figures[ORDINARY + 'fortnight']:,}", ""),
        *((name, f"{gas:,}", times(gas, ours)) for name, gas in others),
    ]
    return table(("", "gas", "of this"), rows)


def _all_figures(figures: dict[str, int]) -> str:
    rows = []
    for key, gas in figures.items():
        if key.startswith((PLAIN, ORDINARY)):
            continue
        ordinary, plain = figures.get(ORDINARY + key), figures.get(PLAIN + key)
        rows.append(
            (
                LABELS[key],
                f"`{key}`",
                f"{gas:,}",
                f"{ordinary:,}" if ordinary else "",
                f"{plain:,}" if plain else "",
                share(gas, plain) if plain else "",
            )
        )
    heading = ("", "key", "NMR", "ERC-20", "plainly", "of plainly")
    return table(heading, rows, words=2)


def _lists(figures: dict[str, int]) -> str:
    rows = []
    for key, listed in LISTS:
        plain, gas = figures[key], figures[listed]
        per_cent = f"{100 * (plain - gas) / plain:.1f}%"
        rows.append(
            (LABELS[key], f"`{listed}`", f"{plain:,}", f"{gas:,}", f"{plain - gas:,}", per_cent)
        )
    rules = [
        ("gas that a slot on a list saves", f"{KEY_SAVES:,}"),
        ("gas that the receiver's address costs on it", f"{LISTED_ADDRESS_GAS:,}"),
        ("slots of the receiver's from which on they are listed", f"{PAYS_FROM_KEYS:,}"),
        ("bytes that a slot adds to the transaction", f"{KEY_BYTES:,}"),
    ]
    heading = ("", "key", "without a list", "with it", "less", "of it")
    return f"{table(heading, rows, words=2)}\n\n{table(('', ''), rules)}"


def _three_ways(figures: dict[str, int]) -> str:
    rows = []
    for action, batched, own, plain in WAYS:
        gas = figures[batched]
        plain_gas = figures[PLAIN + plain] if plain else None
        rows.append(
            (
                action,
                f"{gas:,}",
                f"{figures[own]:,}",
                times(figures[own], gas),
                f"{plain_gas:,}" if plain_gas else "",
                times(plain_gas, gas) if plain_gas else "",
            )
        )
    heading = ("", "in a batch", "own transaction", "of the batch", "plainly", "of the batch")
    return table(heading, rows)


def _senders(figures: dict[str, int]) -> str:
    def row(name: str, key: str) -> tuple[str, ...]:
        nmr, ordinary = figures[key], figures[ORDINARY + key]
        due = figures["pay_due_marginal"], figures[ORDINARY + "pay_due_marginal"]
        return name, f"{nmr:,}", times(due[0], nmr), f"{ordinary:,}", times(due[1], ordinary)

    rows = [
        row("one due payment here", "pay_due_marginal"),
        row("one transfer in a plain loop, the Disperse way", PLAIN + "disperse_marginal"),
        row("one transfer by snekmate's `batch_distributor`", "distributor_marginal"),
        row("one transfer, a transaction of its own", "token_transfer"),
    ]
    heading = ("", "NMR", "due payment of it", "ERC-20", "due payment of it")
    return table(heading, rows)


def _peers(figures: dict[str, int]) -> str:
    rows = [
        (
            LABELS[key],
            f"{figures[key]:,}",
            peer.value.system,
            peer.value.work,
            f"`{peer.value.commit}`",
            f"{peer.gas:,}",
            times(peer.gas, figures[key]),
        )
        for key, peers in BESIDE.items()
        for peer in peers
    ]
    heading = ("here", "gas", "system", "work", "commit", "gas", "of ours")
    return table(heading, rows, words=1, words_at=(2, 3, 4))


def _growth(growth: Growth) -> str:
    labels = {
        **{name: f"{label}, the batch" for name, label in BATCHES.items()},
        **{name: f"{label}, by its models" for name, label in OF_MODELS.items()},
        **{
            name: f"one account in a pass, its split: {label}"
            for name, label in DESTINATIONS.items()
        },
    }
    rows = []
    for name, label in labels.items():
        series = growth[name]
        line = fit(series)
        rows.append(
            (
                label,
                "; ".join(f"{size:,}: {series[size]:,}" for size in sorted(series)),
                f"{line.slope:,}",
                f"{line.intercept:,}",
                f"{line.residual:,}",
                f"{steeper_per_mille(series) / 10:+.1f}%",
            )
        )
    heading = (
        "",
        "size: gas",
        "for one more",
        "at none",
        "largest residual",
        "upper half steeper by",
    )
    return table(heading, rows, words=2)
