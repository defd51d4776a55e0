"""Splits as a person thinks of them: typed in percent, said in words, made by presets.

A split shares out a model's earnings, by docs/accounting.md, "What each call does": up to eight
destinations, each a model of the account, its pool or its wallet, in basis points that sum to
exactly 10,000. An empty split is the default: back to the model, or to the pool once the model has
no stake. A split is standing: it acts in every pass until it is changed.

Pure: the account's stakes come in, splits and sentences come out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from sluice.account import Split
from sluice.errors import InvalidInput
from sluice.parameters import BPS
from sluice.words import DESTINATIONS, MODELS, POOL, WALLET

DEFAULT: Split = ()
"""No split: back to the model."""

WEIGHT_DECIMALS = 9


class Preset(StrEnum):
    """What people want of their earnings, by the name that is typed."""

    COMPOUND = "compound"
    TAKE_PROFIT = "take-profit"
    PASSIVE_INCOME = "passive-income"
    BALANCE = "balance"


MEANING: Mapping[Preset, str] = {
    Preset.COMPOUND: (
        "Compound: each model's earnings go back into its own stake. This is the default, so "
        "splits that were set are cleared; a model that has no stake any more sends its last "
        "earnings to the pool instead of staking them again."
    ),
    Preset.TAKE_PROFIT: (
        "Take profit: stakes never grow by themselves. All earnings go to the pool, where they can "
        "be staked again or withdrawn."
    ),
    Preset.PASSIVE_INCOME: (
        "Passive income: all earnings go to your wallet. They leave with each fortnight's batch, "
        "free, with no request, for as long as the splits stand; until then they can still be "
        "staked or withdrawn."
    ),
    Preset.BALANCE: (
        "Balance: the earnings of every model are shared out among all models by their target "
        "weights, so that new NMR comes in as you want it spread. It moves no stake that is there "
        "already."
    ),
}


@dataclass(frozen=True, slots=True)
class PresetSplits:
    """What a preset sets: a split for each model, empty where it is the default, and what is to be
    said about it besides its meaning."""

    preset: Preset
    splits: Mapping[int, Split]
    notes: tuple[str, ...] = ()


def preset_splits(
    preset: Preset,
    models: Iterable[int],
    weights: Mapping[int, int] | None = None,
    stakes_nano: Mapping[int, int] | None = None,
) -> PresetSplits:
    """The splits of a preset for `models`.

    `weights` (of Balance only): a relative whole number for each model that is to get earnings;
    None: the same for every model with a stake. `stakes_nano` by model: which models are under
    weight, where there are more than eight. InvalidInput, saying what to do, if there is no model,
    or no weight above zero, or weights with another preset."""
    chosen = sorted(set(models))
    stakes = {m: s for m, s in (stakes_nano or {}).items() if s}
    for model in [*chosen, *(weights or {})]:
        _check_model(model)
    if not chosen:
        raise InvalidInput("no model has a stake or a split: name the models the preset is for")
    if preset is not Preset.BALANCE:
        if weights is not None:
            raise InvalidInput(f"weights are for {Preset.BALANCE}: leave --weights out")
        split = {
            Preset.COMPOUND: DEFAULT,
            Preset.TAKE_PROFIT: ((POOL, BPS),),
            Preset.PASSIVE_INCOME: ((WALLET, BPS),),
        }[preset]
        return PresetSplits(preset, dict.fromkeys(chosen, split))
    targets = dict.fromkeys(stakes, 1) if weights is None else weights
    split, notes = _balance(targets, stakes)
    return PresetSplits(preset, dict.fromkeys(chosen, split), notes)


def shares_bps(weights: Sequence[int]) -> list[int]:
    """Basis points in proportion to up to eight weights above zero: exactly 10,000 by largest
    remainder (of equal ones the first), each at least 1; what lifts a tiny one to 1 comes off the
    largest."""
    total = sum(weights)
    shares = [max(1, weight * BPS // total) for weight in weights]
    remainders = [
        weight * BPS % total if weight * BPS >= total else -1 for weight in weights
    ]  # one that was lifted gets no more
    missing = BPS - sum(shares)
    for at in sorted(range(len(weights)), key=lambda at: (-remainders[at], at))[: max(0, missing)]:
        shares[at] += 1
    for _ in range(-missing):
        shares[shares.index(max(shares))] -= 1
    return shares


def most_under_weight(
    weights: Mapping[int, int], stakes_nano: Mapping[int, int], count: int = DESTINATIONS
) -> list[int]:
    """The `count` models whose part of all stakes is furthest below their part of all weights,
    ascending by number; of equals the heavier, then the lower number."""
    total_weight = sum(weights.values())
    total_nano = sum(stakes_nano.values())

    def order(model: int) -> tuple[int, int, int]:
        gap = weights[model] * total_nano - stakes_nano.get(model, 0) * total_weight
        return -gap, -weights[model], model

    return sorted(sorted(weights, key=order)[:count])


def check_split(model: int, split: Split) -> None:
    """InvalidInput, saying what to do, for a split that the contract would refuse."""
    _check_model(model)
    if not split:
        return
    if len(split) > DESTINATIONS:
        raise InvalidInput(
            f"model {model}: {len(split)} destinations, a split has at most {DESTINATIONS}: leave "
            "the smallest out"
        )
    for at, (destination, share) in enumerate(split):
        name = destination_name(destination)
        if destination in [other for other, _ in split[:at]]:
            raise InvalidInput(f"model {model}: {name} is named twice: add its shares up")
        if not 1 <= share <= BPS:
            raise InvalidInput(f"model {model}: {name} gets {percent(share)}: give 0.01% to 100%")
    total = sum(share for _, share in split)
    if total != BPS:
        step = f"{percent(abs(BPS - total))} are {'missing' if total < BPS else 'too much'}"
        raise InvalidInput(
            f"model {model}: the shares sum to {percent(total)}, {step}: make them exactly 100%"
        )


# --- typed and said -------------------------------------------------------------------------------


def parse_model(text: str) -> int:
    """A model's number as a person types it; InvalidInput if it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise InvalidInput(f"{text} is no model: write its number, 0 to {MODELS - 1}")
    _check_model(int(text))
    return int(text)


def parse_percent(text: str) -> int:
    """A percentage with at most two decimals in basis points, exactly; InvalidInput if it is
    none."""
    share = _decimal(text.removesuffix("%"), f"{text} is no percentage: write such as 33.33")
    if not 0 < share <= 100:
        raise InvalidInput(f"{text}%: a share is above 0% and at most 100%")
    if share.scaleb(2) != int(share.scaleb(2)):
        raise InvalidInput(f"{text}% is finer than 0.01%: write at most two decimals")
    return int(share.scaleb(2))


def parse_part(text: str) -> tuple[int, int]:
    """`3=33.33`, `pool=50` or `wallet=16.67` as (destination, share in basis points)."""
    name, equals, share = text.partition("=")
    if not equals:
        raise InvalidInput(f"{text}: write a destination and its percentage, such as pool=50")
    named = {"pool": POOL, "wallet": WALLET}
    destination = named[name.lower()] if name.lower() in named else parse_model(name)
    return destination, parse_percent(share)


def parse_splits(words: Sequence[str]) -> dict[int, Split]:
    """Splits of one or more models as typed: a model, then its parts, then the next model; the word
    `default` in place of parts clears. `["3", "pool=50", "wallet=50", "4", "default"]`.
    InvalidInput, saying what to do, for what the contract would refuse."""
    found: dict[int, Split] = {}
    parts: list[tuple[int, int]] = []
    model: int | None = None
    cleared = False
    for word in [*words, ""]:
        if "=" in word or word.lower() == "default":
            if model is None:
                raise InvalidInput(f"{word}: name the model first, then where its earnings go")
            if cleared or (parts and word.lower() == "default"):
                raise InvalidInput(f"model {model}: it is either default or a split: write one")
            if "=" in word:
                parts.append(parse_part(word))
            else:
                cleared = True
            continue
        if model is not None:
            if not (parts or cleared):
                raise InvalidInput(f"model {model}: say where its earnings go, such as pool=100")
            check_split(model, tuple(parts))
            found[model] = tuple(parts)
        if not word:
            break
        model, parts, cleared = parse_model(word), [], False
        if model in found:
            raise InvalidInput(f"model {model} is there twice: write its split once")
    if not found:
        raise InvalidInput(
            "name a model and where its earnings go, such as: 3 3=50 pool=30 wallet=20; or a "
            "--preset"
        )
    return dict(sorted(found.items()))


def parse_weights(text: str) -> dict[int, int]:
    """Target weights as typed, `0=50,3=30,5=20`: any numbers above zero, only their proportion
    counts; whole numbers come back. InvalidInput if they are none."""
    weights: dict[int, int] = {}
    for each in text.split(","):
        name, equals, number = each.strip().partition("=")
        wrong = f"{each or text}: write model=weight, parted by commas, such as 0=50,3=30,5=20"
        if not equals:
            raise InvalidInput(wrong)
        model = parse_model(name)
        weight = _decimal(number, wrong).scaleb(WEIGHT_DECIMALS)
        if not 0 < weight < 10**30 or weight != int(weight):
            raise InvalidInput(
                f"weight {number} of model {model}: write one above zero, at most "
                f"{WEIGHT_DECIMALS} decimals; leave a model out that is to get nothing"
            )
        if model in weights:
            raise InvalidInput(f"model {model} has two weights: write one")
        weights[model] = int(weight)
    return dict(sorted(weights.items()))


def percent(share_bps: int) -> str:
    """Basis points as a person reads them, always with two decimals."""
    return f"{Decimal(share_bps).scaleb(-2):.2f}%"


def destination_name(destination: int) -> str:
    """A destination in words."""
    return {POOL: "the pool", WALLET: "your wallet"}.get(destination, f"model {destination}")


def split_in_words(model: int, split: Split) -> str:
    """Where a model's earnings go, as a sentence's end."""
    if not split:
        return f"100.00% back to model {model} (the default), to the pool once it has no stake"
    parts = [
        f"{percent(share)} to {'itself' if destination == model else destination_name(destination)}"
        for destination, share in split
    ]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _balance(
    weights: Mapping[int, int], stakes_nano: Mapping[int, int]
) -> tuple[Split, tuple[str, ...]]:
    targets = {model: weight for model, weight in sorted(weights.items()) if weight > 0}
    if not targets:
        raise InvalidInput(
            "no model has a target weight: stake first, or give weights such as 0=50,3=50"
        )
    chosen = list(targets)
    notes: tuple[str, ...] = ()
    if len(targets) > DESTINATIONS:
        chosen = most_under_weight(targets, stakes_nano)
        listed = ", ".join(map(str, chosen))
        notes = (
            f"{len(targets)} models have a weight and a split holds {DESTINATIONS}: earnings go to "
            f"the {DESTINATIONS} that are most under weight now (models {listed}), by their "
            "weights. Splits are standing, so give the preset again when others have fallen "
            "behind; signed with --gasless that costs nothing.",
        )
    shares = shares_bps([targets[model] for model in chosen])
    return tuple(zip(chosen, shares, strict=True)), notes


def _check_model(model: int) -> None:
    if not 0 <= model < MODELS:
        raise InvalidInput(f"model {model}: models are numbered 0 to {MODELS - 1}")


def _decimal(text: str, wrong: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidInput(wrong) from None
    if not number.is_finite() or number.adjusted() > 30:
        raise InvalidInput(wrong)
    return number
