"""What the account command does, one function for each subcommand: show, ask, send or sign, end.

Everything that can be known before is shown before: where a change leads, what it costs, from when
it counts, when NMR arrives. Nothing is sent or signed without a yes.
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from ape.api import AccountAPI
from eth_utils.address import to_checksum_address

from sluice.account import MAX_NONCE_STEP, Split
from sluice.calls import calls
from sluice.errors import InvalidInput, Refused
from sluice.events import instructions_skipped
from sluice.instructions import instruction, relay_call, request, sign
from sluice.ledger import ALL
from sluice.parameters import PERIOD_S
from sluice.participant.chain import (
    Step,
    account_now,
    acting,
    address_of,
    cost,
    deposit_steps,
    step,
)
from sluice.participant.desk import Desk, end_sent, end_signed, send_steps, side_by_side
from sluice.participant.now import (
    AccountNow,
    arriving_nano,
    check_pool,
    counts_from,
    free_turn,
    parse_stakes,
)
from sluice.participant.pending import (
    after_instructions,
    instructions_of,
    next_nonce,
    pending,
    requests_of,
)
from sluice.participant.words import (
    change_rows,
    counting_in_words,
    due_in_words,
    exit_in_words,
    not_now,
    pending_document,
    pending_rows,
    position_document,
    position_rows,
    price_document,
    schedule_document,
    schedule_rows,
    split_rows,
    splits_document,
    turn_document,
    ways_rows,
)
from sluice.pausing import WORKS_WHILE_PAUSED, end_if_paused, pause_now
from sluice.presets import MEANING, Preset, preset_splits
from sluice.sending import DAY_S, HOUR_S, nmr, when
from sluice.words import MAX_NONCE, MODELS

# --- looking --------------------------------------------------------------------------------------


def show(desk: Desk, name: str) -> NoReturn:
    """Everything about an account, each figure apart, and what is still to come."""
    address = address_of(name)
    seen = account_now(desk.on, address)
    lens = desk.on.lens
    position, stakes_nano = lens.position(address), lens.stakes_of(address)
    splits, releases = lens.splits_of(address), lens.schedule(address)
    to_come = pending(seen, desk.stored())

    pause = pause_now(desk.on.escrow)
    if pause is not None:
        desk.output.say(f"{pause}; {WORKS_WHILE_PAUSED}")
    desk.output.table(f"Account {address}", position_rows(position, stakes_nano))
    if seen.risks_nano:
        rows = [(f"round {r}", nmr(nano)) for r, nano in seen.risks_nano.items()]
        desk.output.table("At risk, by open round", rows)
    desk.output.table("Splits", split_rows(splits, stakes_nano) or [("splits", "none")])
    if releases:
        desk.output.table("Withdrawable later, if no pass burns", schedule_rows(releases))
    desk.output.table("To come", pending_rows(to_come) or [("nothing", "")])
    if stakes_nano:
        desk.output.say("stakes are standing: each counts in every round until it is changed")
    desk.output.end(
        {
            "account": address,
            **position_document(position, stakes_nano),
            "splits": splits_document(splits),
            "schedule": schedule_document(releases),
            "pending": pending_document(to_come),
            "offered_to": seen.account.offered_to and to_checksum_address(seen.account.offered_to),
            "paused": pause and pause.document(),
            "period": seen.period,
            "time": seen.now,
        }
    )


def schedule(desk: Desk, name: str) -> NoReturn:
    """When the locked part of the pool becomes withdrawable."""
    address = address_of(name)
    position, releases = desk.on.lens.position(address), desk.on.lens.schedule(address)
    rows = [
        ("pool", nmr(position.pool_nano)),
        ("withdrawable now", nmr(position.withdrawable_nano)),
    ]
    desk.output.table(f"Release schedule of {address}", [*rows, *schedule_rows(releases)])
    if releases:
        desk.output.say(
            "one-time, nothing has to be done for it; amounts are all that is withdrawable then, "
            "if the stakes stay as they are and no pass burns"
        )
    elif position.withdrawable_nano == position.pool_nano:
        desk.output.say("nothing of the pool is locked")
    else:
        desk.output.say("while the stakes stay as they are, no coming pass frees more of the pool")
    desk.output.end(
        {
            "account": address,
            "pool_nano": position.pool_nano,
            "withdrawable_nano": position.withdrawable_nano,
            "schedule": schedule_document(releases),
        }
    )


# --- changing -------------------------------------------------------------------------------------


def deposit(desk: Desk, name: str, amount_nano: int, typed: Sequence[str]) -> NoReturn:
    """A deposit, with stakes in the same transaction if any are named."""
    account = acting(name)
    if amount_nano == 0:
        raise InvalidInput("0 NMR: deposit an amount above zero")
    end_if_paused(desk.on.escrow, desk.output)
    seen = account_now(desk.on, account.address)
    after = seen.deposited(amount_nano)
    stakes_nano = parse_stakes(typed, seen.account.stakes_nano) if typed else {}
    if stakes_nano:
        check_pool(after, stakes_nano)
        after = after.staked(stakes_nano)
    steps = deposit_steps(desk.on, account.address, amount_nano, stakes_nano)

    title = f"Deposit of {nmr(amount_nano)} into {account.address}"
    desk.output.table(title, change_rows(seen, after, stakes_nano))
    if stakes_nano:
        desk.output.say(f"stakes are standing; {counting_in_words(counts_from(seen))}")
    desk.output.say(exit_in_words(seen.parameters))
    end_sent(desk, account, send_steps(desk, account, steps), {"deposited_nano": amount_nano})


def change(
    desk: Desk, name: str, typed: Sequence[str], splits: Mapping[int, Split], gasless: bool
) -> NoReturn:
    """New stakes and splits together: one signature, whatever their number. Signed without gas, it
    builds on what is signed and kept already."""
    account = acting(name)
    seen = account_now(desk.on, account.address)
    earlier = instructions_of(seen, desk.stored())
    before = after_instructions(seen, earlier) if gasless else seen
    held = before.account
    stakes_nano = parse_stakes(typed, held.stakes_nano) if typed else {}
    stakes_nano = {m: s for m, s in stakes_nano.items() if s != held.stakes_nano.get(m, 0)}
    splits = {m: s for m, s in sorted(splits.items()) if s != held.splits.get(m, ())}
    document: dict[str, object] = {
        "stakes_nano": {str(model): nano for model, nano in stakes_nano.items()},
        "splits": splits_document(splits),
    }
    if not stakes_nano and not splits:
        desk.output.say("it is so already: nothing to change")
        end_sent(desk, account, [], document)

    check_pool(before, stakes_nano)
    after = before.staked(stakes_nano) if stakes_nano else before
    _show_change(desk, before, after.split(splits), stakes_nano, splits)
    if gasless:
        _say_if_paused(desk)
        if earlier:
            desk.output.say(f"it comes after {len(earlier)} signed before and not applied yet")
        nonce = next_nonce(seen, earlier)
        deadline = seen.now + desk.good_for_days * DAY_S
        asked = instruction(account.address, stakes_nano, splits, nonce, deadline)
        desk.output.say(
            f"one-time, number {nonce}: it acts, and counts, once somebody sends it, which anyone "
            f"can until {when(deadline)}; you pay no gas; `cancel instructions` kills it"
        )
        end_signed(desk, account, asked, document)
    if earlier:
        desk.output.say(
            f"{len(earlier)} instructions signed before are still to come and may change it again: "
            "`cancel instructions` first, if that is not wanted"
        )
    sent = send_steps(desk, account, _steps(desk, account, seen, stakes_nano, splits))
    for skipped in instructions_skipped(sent[-1].logs):
        raise Refused(skipped.reason)
    end_sent(desk, account, sent, document)


def preset(
    desk: Desk,
    name: str,
    chosen: Preset,
    models: Sequence[int],
    weights: Mapping[int, int] | None,
    gasless: bool,
) -> NoReturn:
    """The splits of a preset, for these models, or for all with a stake, a split or a weight."""
    seen = account_now(desk.on, acting(name).address)
    earlier = instructions_of(seen, desk.stored()) if gasless else []
    held = after_instructions(seen, earlier).account
    concerned = models or sorted({*held.stakes_nano, *held.splits, *(weights or {})})
    made = preset_splits(chosen, concerned, weights, held.stakes_nano)
    for sentence in (MEANING[chosen], *made.notes):
        desk.output.say(sentence)
    change(desk, name, (), made.splits, gasless)


def withdraw(desk: Desk, name: str, amount_nano: int, now: bool, free: bool) -> NoReturn:
    """Both ways out side by side, and the one that is chosen."""
    address = address_of(name)
    seen = account_now(desk.on, address)
    seen.check_withdrawal(amount_nano)
    leaving_nano = seen.withdrawable_nano if amount_nano == ALL else amount_nano
    steps = []
    if 0 < leaving_nano <= seen.withdrawable_nano:
        steps = [step(desk.on, "withdraw", calls.withdraw(amount_nano), address)]
    paid = cost(desk.on, steps[0].gas, desk.nmr_eth) if steps else None
    turn = free_turn(seen)
    free_nano = 0 if turn is None else arriving_nano(seen, amount_nano, turn)

    ways = ways_rows(seen, leaving_nano, paid, turn, free_nano)
    side_by_side(desk, f"Withdrawal from {address}", ways)
    for sentence in due_in_words(seen.account.due_nano, amount_nano, free):
        desk.output.say(sentence)
    document: dict[str, object] = {
        "amount_nano": "all" if amount_nano == ALL else amount_nano,
        "withdrawable_nano": seen.withdrawable_nano,
        "way_now": paid and {"amount_nano": leaving_nano, **price_document(paid)},
        "way_free": turn and {"amount_nano": free_nano, **turn_document(turn)},
    }
    if now:
        if not steps:
            raise InvalidInput(f"{not_now(seen, leaving_nano)}; or ask for less")
        account = acting(name)
        end_sent(desk, account, send_steps(desk, account, steps), document)
    if free:
        if turn is None:
            raise InvalidInput("the periods of free withdrawals are over: take --now")
        if not free_nano:
            raise InvalidInput(f"{not_now(seen, leaving_nano)}, and no batch before could pay it")
        account = acting(name)
        deadline = turn.ends_at + PERIOD_S
        asked = request(address, amount_nano, turn.period, deadline)
        if any(other.period == asked.period for other in requests_of(seen, desk.stored())):
            desk.output.say(
                f"a withdrawal for period {asked.period} is signed already: only the one that the "
                "batch takes first is paid"
            )
        _say_if_paused(desk)
        desk.output.say(f"one-time, lapses after {when(deadline)}; you pay no gas")
        end_signed(desk, account, asked, document)
    desk.output.say("nothing is sent yet: add --now or --free")
    desk.output.end({"account": address, **document})


def leave(desk: Desk, name: str) -> NoReturn:
    """An exit's first step: every stake to the pool, and nothing signed before stakes it again."""
    account = acting(name)
    seen = account_now(desk.on, account.address)
    if not seen.account.stakes_nano:
        raise InvalidInput("there is no stake: take the pool out with `withdraw`")
    after = seen.left()
    title = f"{account.address} leaves"
    desk.output.table(title, change_rows(seen, after, seen.account.stakes_nano))
    if after.releases:
        desk.output.table("Withdrawable later, if no pass burns", schedule_rows(after.releases))
    desk.output.say(
        f"instructions signed before, with a number below {after.account.nonce}, die with it. "
        "`withdraw` takes out what comes free"
    )
    staking = [
        str(model)
        for model, split in sorted(after.account.splits.items())
        if any(destination < MODELS for destination, _ in split)
    ]
    if staking:
        desk.output.say(
            f"splits stay: what model {', '.join(staking)} still earns in open rounds is staked as "
            "they say; `split MODEL pool=100` or `wallet=100` sends it out as well"
        )
    steps = [step(desk.on, "leave", calls.leave(), account.address)]
    end_sent(desk, account, send_steps(desk, account, steps), {})


def cancel_instructions(desk: Desk, name: str, nonce: int | None) -> NoReturn:
    """Makes every instruction that was signed before useless."""
    account = acting(name)
    present = account_now(desk.on, account.address).account.nonce
    following = min(MAX_NONCE, present + MAX_NONCE_STEP) if nonce is None else nonce
    desk.output.say(
        f"instructions with a number below {following} die (the next one is {present} now). What "
        "is applied stays, and so do splits and signed withdrawals"
    )
    calldata = calls.cancel_instructions(following)
    steps = [step(desk.on, "cancel instructions", calldata, account.address)]
    end_sent(desk, account, send_steps(desk, account, steps), {"nonce": following})


def cancel_withdrawal(desk: Desk, name: str) -> NoReturn:
    """Gives the free withdrawal of this period up, so that a signed request for it dies."""
    account = acting(name)
    seen = account_now(desk.on, account.address)
    ends_at = seen.parameters.deployed_at + seen.period * PERIOD_S
    desk.output.say(
        f"withdrawals signed for period {seen.period} or before die; the next free one, and what "
        f"is due, can leave from {when(ends_at)} on. Withdrawing for gas goes on"
    )
    steps = [step(desk.on, "cancel withdrawal", calls.cancel_withdrawal(), account.address)]
    end_sent(desk, account, send_steps(desk, account, steps), {"period": seen.period})


# --- sending and signing --------------------------------------------------------------------------


def _show_change(
    desk: Desk,
    before: AccountNow,
    after: AccountNow,
    stakes_nano: Mapping[int, int],
    splits: Mapping[int, Split],
) -> None:
    if stakes_nano:
        desk.output.table(f"Stakes of {before.address}", change_rows(before, after, stakes_nano))
        desk.output.say(f"stakes are standing; {counting_in_words(counts_from(before))}")
        if after.releases:
            title = "Withdrawable later, if no pass burns"
            desk.output.table(title, schedule_rows(after.releases))
    if splits:
        desk.output.table(f"Splits of {before.address}", split_rows(splits, splits))
        desk.output.say("splits are standing: they act in every pass from the next one on")


def _say_if_paused(desk: Desk) -> None:
    pause = pause_now(desk.on.escrow)
    if pause is not None:
        desk.output.say(f"{pause}: what is signed now is sent after that")


def _steps(
    desk: Desk,
    account: AccountAPI,
    seen: AccountNow,
    stakes_nano: Mapping[int, int],
    splits: Mapping[int, Split],
) -> list[Step]:
    """The one transaction that makes a change: a call of its own, or, for several at once, the
    account's own instruction, relayed by itself; while that is paused, a call for each."""
    if not splits:
        calldata = calls.set_stakes(stakes_nano)
        return [step(desk.on, "set the stakes", calldata, account.address)]
    if len(splits) == 1 and not stakes_nano:
        ((model, split),) = splits.items()
        calldata = calls.set_split(model, split)
        return [step(desk.on, f"set the split of model {model}", calldata, account.address)]
    if pause_now(desk.on.escrow) is not None:
        desk.output.say("the escrow is paused: a transaction for each change")
        steps = _steps(desk, account, seen, stakes_nano, {}) if stakes_nano else []
        for model, split in splits.items():
            steps += _steps(desk, account, seen, {}, {model: split})
        return steps
    desk.output.say("several changes: one signed instruction, sent by yourself in one transaction")
    asked = instruction(account.address, stakes_nano, splits, seen.account.nonce, seen.now + HOUR_S)
    call = relay_call([sign(asked, desk.on.domain, account)])
    calldata = calls.relay(call.instructions, call.signatures)
    return [step(desk.on, "relay the instruction", calldata, account.address)]
