// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "./Calls.sol";

/// Every external, held to one claim.
abstract contract Claims is Calls {
    function claim(Call memory c) internal virtual;

    function check_deposit() public { claim(_deposit()); }
    function check_deposit_for() public { claim(_deposit_for()); }
    function check_deposit_and_stake() public { claim(_deposit_and_stake(_any_models(1))); }
    function check_set_stakes() public { claim(_set_stakes(_any_models(1))); }
    function check_set_stakes_two() public { claim(_set_stakes(_any_models(2))); }
    function check_set_split_none() public { claim(_set_split(0)); }
    function check_set_split() public { claim(_set_split(1)); }
    function check_set_split_two() public { claim(_set_split(2)); }
    function check_leave() public { claim(_leave()); }
    function check_cancel_instructions() public { claim(_cancel_instructions()); }
    function check_cancel_withdrawal() public { claim(_cancel_withdrawal()); }
    function check_withdraw() public {
        Call memory c = _withdraw(svm.createUint256("amount"));
        _pages_at_most(c.sender, 0);
        _plain(c.sender);
        claim(c);
    }

    function check_announce() public { claim(_announce()); }
    function check_offer_move() public { claim(_offer_move()); }
    function check_accept_move() public { claim(_accept_move()); }
    function check_veto() public { claim(_veto()); }
    function check_pause() public { claim(_pause()); }
    function check_unpause() public { claim(_unpause()); }
    function check_fund() public { claim(_fund()); }
    function check_withdraw_reserve() public { claim(_withdraw_reserve()); }
    function check_burn() public { claim(_burn()); }
    function check_set_operator() public { claim(_set_operator()); }
    function check_set_guardian() public { claim(_set_guardian()); }
    function check_transfer_ownership() public { claim(_transfer_ownership()); }
    function check_accept_ownership() public { claim(_accept_ownership()); }
}

/// No word of any account changes but those that the call names, and no slot of the escrow but
/// those that are its subject. NMR leaves only to whom the call may pay, and comes only from its
/// sender.
contract Own is Claims {
    function claim(Call memory c) internal override {
        uint256 any = svm.createUint256("any");
        uint256 slot = svm.createUint256("slot");
        uint256 word_before = word(any);
        uint256 slot_before = scalar(slot);
        if (!_send(c)) return;
        assert(_either(scalar(slot) == slot_before, (c.slots >> slot) & 1 == 1));
        assert(_either(word(any) == word_before, _names(c, any)));
        if (token.sends() != 0) {
            assert(token.sends() == 1 && c.payee != address(0) && token.to() == c.payee);
        }
        if (token.pulls() != 0) {
            assert(token.pulls() == 1 && token.from() == c.sender && token.pulledTo() == escrow);
        }
    }

    function _names(Call memory c, uint256 any) internal pure returns (bool names) {
        for (uint256 i = 0; i < c.places.length; i++) {
            names = _either(names, key(c.places[i], c.accounts[i]) == any);
        }
    }
}

/// What the words named hold, the reserve and what waits to be burned change together by exactly
/// what the token moves; with `Own`, which shows that no other word changes, that is all there is.
contract Conserved is Calls {
    function check_deposit() public { claim(_deposit()); }
    function check_deposit_for() public { claim(_deposit_for()); }
    function check_deposit_and_stake_0() public { claim(_deposit_and_stake(_one(0))); }
    function check_deposit_and_stake_1() public { claim(_deposit_and_stake(_one(1))); }
    function check_set_stakes_0() public { claim(_set_stakes(_one(0))); }
    function check_set_stakes_64() public { claim(_set_stakes(_one(64))); }
    function check_set_stakes_0_1() public { claim(_set_stakes(_two(0, 1))); }
    function check_set_stakes_1_4() public { claim(_set_stakes(_two(1, 4))); }
    function check_set_stakes_4_64() public { claim(_set_stakes(_two(4, 64))); }
    function check_fund() public { claim(_fund()); }
    function check_withdraw_reserve() public { claim(_withdraw_reserve()); }
    function check_burn() public { claim(_burn()); }
    function check_cancel_instructions() public { claim(_cancel_instructions()); }
    function check_cancel_withdrawal() public { claim(_cancel_withdrawal()); }

    function check_accept_move() public { claim(_accept_move()); }

    function check_leave() public {
        Call memory c = _leave();
        _pages_at_most(c.sender, 0);
        claim(c);
    }

    function check_withdraw() public {
        Call memory c = _withdraw(svm.createUint256("amount"));
        _pages_at_most(c.sender, 0);
        _plain(c.sender);
        claim(c);
    }

    function claim(Call memory c) internal virtual {
        uint256 before = _held(c);
        if (!_send(c)) return;
        uint256 gained = _less(_held(c), before);
        if (token.sends() != 0) gained = _less(0, gained);
        // sums of amounts are far below the 2^247 for which this says `moved == gained * 10^9`
        uint256 moved = _nano_times_512(token.pulled() + token.sent());
        assert(gained == moved >> 9 && moved & 511 == 0);
        assert(token.pulls() == 0 || token.sends() == 0);
    }

    function _held(Call memory c) internal view returns (uint256 held) {
        unchecked {
            held = scalar(SLOT_RESERVE) + scalar(SLOT_BURNED);
            for (uint256 i = 0; i < c.places.length; i++) {
                bool again = false;
                for (uint256 j = 0; j < i; j++) {
                    again = _either(
                        again, key(c.places[j], c.accounts[j]) == key(c.places[i], c.accounts[i])
                    );
                }
                uint256 nano = _nano(c.places[i], word(key(c.places[i], c.accounts[i])));
                held += nano & (_bit(again) - 1);
            }
        }
    }
}

/// The calls above can succeed: what is claimed of them is not claimed of nothing. Each of these
/// has to be found false.
contract Reached is Claims {
    function claim(Call memory c) internal override {
        assert(!_send(c));
    }
}
