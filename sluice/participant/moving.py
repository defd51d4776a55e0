"""Moving to another address, for the account command: offered and accepted by transactions of both,
or signed by both in a file that anybody sends.

What a move does is said before anything is signed. Nothing is lost with a step that never comes: an
offer changes nothing, and a signed move is dead once the old account's nonce is raised.
"""

from pathlib import Path
from typing import NoReturn

from eth_utils.address import to_checksum_address

from sluice.calls import calls
from sluice.errors import InvalidInput, Refused
from sluice.instructions import (
    SignedMove,
    is_by_keys,
    move,
    move_call,
    read_move,
    sign_move,
    write_move,
)
from sluice.participant.chain import Connected, account_now, acting, address_of, step
from sluice.participant.desk import Desk, end_sent, send_steps
from sluice.participant.now import AccountNow
from sluice.participant.words import Rows
from sluice.pausing import end_if_paused
from sluice.remedies import remedy
from sluice.sending import DAY_S, chain_time, nmr, when

NOBODY = "0x" + "00" * 20


def offer(desk: Desk, name: str, to: str, file: Path | None) -> NoReturn:
    """The old address' step: an offer that the new one accepts, or a signature in a file."""
    account, taker = acting(name), address_of(to)
    if file is not None:
        sign_file(desk, name, account.address, taker, file)
    seen = account_now(desk.on, account.address)
    reason = _explain(desk, seen, taker)
    if seen.account.offered_to is not None:
        desk.output.say(f"replaces the offer to {to_checksum_address(seen.account.offered_to)}")
    desk.output.say(
        f"an offer changes nothing: it acts once {taker} sends `account move accept "
        f"{account.address}`; `account move take-back` ends it"
    )
    steps = [step(desk.on, "offer the account", calls.offer_move(taker), account.address)]
    end_sent(desk, account, send_steps(desk, account, steps), {"to": taker, **_possible(reason)})


def take_back(desk: Desk, name: str) -> NoReturn:
    """Ends an offer."""
    account = acting(name)
    offered_to = account_now(desk.on, account.address).account.offered_to
    desk.output.say(
        "moves that were signed into a file live on until their deadline: `account cancel "
        "instructions` kills them too"
    )
    if offered_to is None:
        desk.output.say("nothing is offered: nothing to take back")
        end_sent(desk, account, [], {"to": None})
    desk.output.say(f"the account is offered to {to_checksum_address(offered_to)}")
    steps = [step(desk.on, "take the offer back", calls.offer_move(NOBODY), account.address)]
    end_sent(desk, account, send_steps(desk, account, steps), {"to": None})


def accept(desk: Desk, name: str, old: str, file: Path | None) -> NoReturn:
    """The new address' step: it takes over what was offered, or signs in the file."""
    taker, account = acting(name), address_of(old)
    if file is not None:
        sign_file(desk, name, account, taker.address, file)
    _explain(desk, account_now(desk.on, account), taker.address)
    steps = [step(desk.on, "take the account over", calls.accept_move(account), taker.address)]
    end_sent(desk, taker, send_steps(desk, taker, steps), {"moved_from": account})


def sign_file(desk: Desk, name: str, account: str, to: str, file: Path) -> NoReturn:
    """One side's signature under a move, added to its file, which is made if it is not there."""
    signer = acting(name)
    seen = account_now(desk.on, account)
    if file.exists():
        signed = read_move(file, desk.on.domain)
        asked = signed.message
        if (asked.account, asked.to) != (account, to):
            raise InvalidInput(
                f"{file} holds the move from {asked.account} to {asked.to}: name another file"
            )
    else:
        deadline = seen.now + desk.good_for_days * DAY_S
        signed = SignedMove(move(account, to, seen.account.nonce, deadline), desk.on.domain)
    reason = _explain(desk, seen, to)
    _check_alive(signed, seen, file)
    desk.output.say(
        f"one-time, number {signed.message.nonce}: it acts once both have signed and somebody "
        f"sends the file, which anyone can until {when(signed.message.deadline)}; neither pays "
        f"gas; `cancel instructions` of {account} kills it, {to} can only let it lapse"
    )
    desk.ask(f"Sign as {signer.address}?")
    signed = sign_move(signed, signer)
    write_move(signed, file)
    missing = list(signed.missing)
    desk.output.say(
        f"signed into {file}; "
        + (f"it still needs {missing[0]}" if missing else "both have: `account move send` sends it")
    )
    desk.output.end(
        {**_document(signed), "missing": missing, "file": str(file)} | _possible(reason)
    )


def send_file(desk: Desk, name: str, file: Path) -> NoReturn:
    """Sends a move that both have signed; anybody may."""
    sender = acting(name)
    signed = read_move(file, desk.on.domain)
    call, asked = move_call(signed), signed.message
    end_if_paused(desk.on.escrow, desk.output)
    seen = account_now(desk.on, asked.account)
    _check_alive(signed, seen, file)
    sides = zip((asked.account, asked.to), is_by_keys(signed), strict=True)
    for address in (address for address, by_key in sides if not by_key):
        if not desk.on.escrow.code(address):
            raise InvalidInput(
                f"the signature of {address} in {file} is not its own: have it signed again"
            )
    _explain(desk, seen, asked.to)
    data = calls.relay_move(call.account, call.to, call.deadline, call.signature, call.to_signature)
    steps = [step(desk.on, "move the account", data, sender.address)]
    sent = send_steps(desk, sender, steps)
    lens = desk.on.lens
    for each in sent:
        desk.output.say(f"{each.name}: done, {each.gas_used:,} gas, {each.transaction}")
    desk.output.end(
        {
            **_document(signed),
            "transactions": [
                {"name": each.name, "hash": each.transaction, "gas_used": each.gas_used}
                for each in sent
            ],
            "pool_nano": lens.position(asked.to).pool_nano,
            "stakes_nano": {str(m): nano for m, nano in lens.stakes_of(asked.to).items()},
        }
    )


def what_moves(seen: AccountNow, to: str, to_pool_nano: int) -> list[str]:
    """What a move does, in sentences."""
    lines = [
        f"everything of {seen.address} goes to {to}: pool, what is due, stakes, splits, and the "
        "open rounds with what they can still earn and burn; no burn is escaped, none comes twice",
        "only while no round is announced, and only to an address without stakes, splits or risks "
        "of its own",
        f"at {seen.address} stay its nonce, raised, so that the changes and moves that it has "
        "signed are dead, and its period, so that no fortnight is paid twice; the new one goes on "
        "with the later period",
        f"what {to} has signed before stays good and acts on all that is there then",
        "nobody can undo it: moving back takes both sides again; what is locked goes along too",
    ]
    if seen.at_risk_nano:
        lines.insert(
            1,
            f"the pool of {to} ({nmr(to_pool_nano)}) stays, and backs the old rounds then: "
            f"{nmr(seen.at_risk_nano)} are at risk in them",
        )
    return lines


def rows_of(seen: AccountNow) -> Rows:
    """What goes along, figure by figure."""
    account = seen.account
    return [
        *((f"stake of model {m}", nmr(nano)) for m, nano in sorted(account.stakes_nano.items())),
        ("pool", nmr(account.pool_nano)),
        ("due, of the pool", nmr(account.due_nano)),
        ("at risk in open rounds", nmr(seen.at_risk_nano)),
        ("splits", f"of {len(account.splits)} models"),
    ]


def _explain(desk: Desk, seen: AccountNow, to: str) -> str | None:
    """Shows what a move does; returns why it could not be done now, None if it could."""
    if to == seen.address:
        raise InvalidInput(f"{to} is the account's own address: name another one")
    desk.output.table(f"Move from {seen.address} to {to}", rows_of(seen))
    position = desk.on.lens.position(to)
    for sentence in what_moves(seen, to, position.pool_nano):
        desk.output.say(sentence)
    reason = _refusal(desk.on, seen.address, to)
    if reason is not None:
        desk.output.say(f"not now: {reason}. {remedy(reason) or ''}".rstrip())
    return reason


def _refusal(on: Connected, account: str, to: str) -> str | None:
    now = chain_time(on.provider)
    book = on.escrow.ledger([account, to])
    book.paused_at = 0
    try:
        book.relay_move(account, to, now, now)
    except Refused as error:
        return str(error)
    return None


def _check_alive(signed: SignedMove, seen: AccountNow, file: Path) -> None:
    asked = signed.message
    if asked.nonce != seen.account.nonce:
        raise InvalidInput(
            f"the move in {file} has number {asked.nonce}, the account is at {seen.account.nonce}: "
            "it was sent or cancelled; sign a new one into another file"
        )
    if seen.now > asked.deadline:
        raise InvalidInput(
            f"the move in {file} lapsed at {when(asked.deadline)}: sign a new one into another file"
        )


def _possible(reason: str | None) -> dict[str, object]:
    return {"possible_now": reason is None, "reason": reason}


def _document(signed: SignedMove) -> dict[str, object]:
    asked = signed.message
    return {
        "account": asked.account,
        "to": asked.to,
        "nonce": asked.nonce,
        "deadline": asked.deadline,
    }
