"""The pictures of docs/gas.md. The same figures give the same bytes; each picture carries a digest
of what it was drawn from."""

import hashlib
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from sluice.bench.fits import Series, fit
from sluice.bench.growth import Growth
from sluice.bench.money import WEI_AN_ETH, Week, blob_rollup_wei, rollup_wei, sluice_wei, v3_wei

GROWTH_PICTURE, MONEY_PICTURE = "gas_growth.svg", "gas_money.svg"

BATCHES = {
    "resolve_accounts": "resolve, accounts",
    "pay_signed_items": "pay, signed requests",
    "pay_due_items": "pay, what is due",
    "relay_items": "relay, instructions",
}
MODELS = {
    "resolve_models": "one account in a pass",
    "set_stakes_models": "all stakes set at once",
}
DESTINATIONS = {
    "resolve_far_destinations": "models on pages of their own",
    "resolve_near_destinations": "pool, wallet, first models",
}


def drawn_from(measured: object) -> str:
    """The digest that a picture of these figures carries."""
    return hashlib.sha256(repr(measured).encode()).hexdigest()


def growth_picture(growth: Growth) -> bytes:
    """Gas against size: batches, models in an account, destinations of a split."""
    with _style():
        figure = Figure(figsize=(11, 3.8), layout="constrained")
        batches, models, destinations = figure.subplots(1, 3)
        for axes, named in ((batches, BATCHES), (models, MODELS), (destinations, DESTINATIONS)):
            for name, label in named.items():
                _line(axes, growth[name], label)
            axes.legend(fontsize="small")
            axes.grid(alpha=0.3)
        batches.set(xscale="log", yscale="log", xlabel="items in a batch", ylabel="gas")
        for axes, held in ((models, "models in the account"), (destinations, "destinations")):
            axes.set(xlabel=held, ylim=(0, None))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        return _svg(figure, growth)


def money_picture(weeks: Sequence[Week]) -> bytes:
    """Cost by week, on a logarithmic scale."""
    with _style():
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        axes = figure.add_subplot()
        days = [week.resolved_on for week in weeks]
        for label, cost in (
            ("NumeraiTournamentV3", v3_wei),
            ("this contract", sluice_wei),
            ("on a rollup, data as calldata", rollup_wei),
            ("on a rollup, data in blobs", blob_rollup_wei),
        ):
            axes.plot(days, [cost(week) / WEI_AN_ETH for week in weeks], marker=".", label=label)  # type: ignore[arg-type]
        axes.set(yscale="log", xlabel="week in which the round resolved", ylabel="ETH")
        figure.legend(loc="outside upper center", ncols=4, fontsize="small")
        axes.grid(alpha=0.3)
        return _svg(figure, weeks)


def _style() -> AbstractContextManager[None]:
    """Without the salt, two drawings differ in the names of their parts; text stays text."""
    return mpl.rc_context({"svg.hashsalt": "sluice", "svg.fonttype": "none"})


def _line(axes: Axes, series: Series, label: str) -> None:
    sizes = sorted(series)
    (points,) = axes.plot(sizes, [series[size] for size in sizes], marker="o", ls="", label=label)
    line = fit(series)
    # on logarithmic axes a line is a curve
    along = np.geomspace(sizes[0], sizes[-1])
    fitted = line.intercept + line.slope * along
    axes.plot(along, fitted, ls="--", lw=1, color=points.get_color())


def _svg(figure: Figure, measured: object) -> bytes:
    data = io.BytesIO()
    # a date would make every drawing another
    metadata = {"Date": None, "Description": drawn_from(measured)}
    figure.savefig(data, format="svg", metadata=metadata)
    return data.getvalue()
