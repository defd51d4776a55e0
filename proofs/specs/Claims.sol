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
    function check_fund() public { claim(_fund()); }
    function check_withdraw_reserve() public { claim(_withdraw_reserve()); }
    function check_burn() public { claim(_burn()); }
    function check_cancel_instructions() public { claim(_cancel_instructions()); }
    function check_cancel_withdrawal() public { claim(_cancel_withdrawal()); }

    function check_accept_move() public { claim(_accept_move()); }

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

/// `Conserved` for calls whose words hold many amounts, field by field, which says more than a sum
/// and is easier to solve: what each field becomes, and that every other bit stays. A path goes on
/// with what each assertion has shown.
/// @custom:halmos --solver z3
contract Fields is Calls {
    struct Before {
        uint256 word;
        uint256 page;
        uint256 place;
        uint256 shift;
        uint256 stake;
        uint256 given;
        uint256 treasury;
    }

    /// Flag of what is due, which falls with the pool; and the pages in use.
    uint256 internal constant MAY_CHANGE = (1 << 255) | (31 << 249);

    function check_set_stakes_0() public { _set(0); }
    function check_set_stakes_lane_0() public { _set(_model(0)); }
    function check_set_stakes_lane_1() public { _set(_model(1)); }
    function check_set_stakes_lane_2() public { _set(_model(2)); }
    function check_set_stakes_lane_3() public { _set(_model(3)); }
    function check_deposit_and_stake_0() public { _deposit_and_set(0); }
    function check_deposit_and_stake_lane_0() public { _deposit_and_set(_model(0)); }
    function check_deposit_and_stake_lane_1() public { _deposit_and_set(_model(1)); }
    function check_deposit_and_stake_lane_2() public { _deposit_and_set(_model(2)); }
    function check_deposit_and_stake_lane_3() public { _deposit_and_set(_model(3)); }

    /// Any model that stands at this place of its stake page.
    function _model(uint256 lane) internal pure returns (uint256) {
        uint256 page = svm.createUint256("page");
        vm.assume(page > 0 && page < 17);
        return 4 * page + lane - 3;
    }

    function _set(uint256 model) internal {
        (Call memory c, uint256[] memory stakes) = _stakes(_one(model));
        c.data = abi.encodeWithSignature("set_stakes(uint256[],uint256[])", _one(model), stakes);
        Before memory b = _before(c, model);
        b.given = stakes[0] / NANO;
        if (!_send(c)) return;
        assert(token.pulls() == 0 && token.sends() == 0);
        assert(b.given * NANO == stakes[0]);
        _moved(c, b, 0);
        _done();
    }

    function _deposit_and_set(uint256 model) internal {
        (Call memory c, uint256[] memory stakes) = _stakes(_one(model));
        uint256 amount = svm.createUint256("amount");
        c.data = abi.encodeWithSignature(
            "deposit_and_stake(uint256,uint256[],uint256[])", amount, _one(model), stakes
        );
        Before memory b = _before(c, model);
        b.given = stakes[0] / NANO;
        if (!_send(c)) return;
        assert(token.sends() == 0 && token.pulls() == 1);
        uint256 nano = amount / NANO;
        assert(token.pulled() == amount && nano * NANO == amount);
        assert(b.given * NANO == stakes[0]);
        _moved(c, b, nano);
        _done();
    }

    function _before(Call memory c, uint256 model) internal view returns (Before memory b) {
        b.word = word(key(0, c.sender));
        b.place = c.places[2];
        b.shift = model == 0 ? 54 : ((model + 3) % 4) * 54;
        b.page = word(key(b.place, c.sender));
        b.stake = (b.page >> b.shift) & AMOUNT;
        b.treasury = scalar(SLOT_RESERVE) + scalar(SLOT_BURNED);
    }

    /// The stake is the given one, and the pool takes up the difference, and what was added.
    function _moved(Call memory c, Before memory b, uint256 added) internal view {
        uint256 now_ = word(key(0, c.sender));
        uint256 page = word(key(b.place, c.sender));
        assert(scalar(SLOT_RESERVE) + scalar(SLOT_BURNED) == b.treasury);
        assert((page >> b.shift) & AMOUNT == b.given);
        unchecked {
            assert(now_ & AMOUNT == (b.word & AMOUNT) + added - (b.given - b.stake));
        }
        if (b.place == 0) {
            assert((now_ ^ b.word) & ~(MAY_CHANGE | (2 ** 108 - 1)) == 0);
        } else {
            assert((page ^ b.page) & ~(AMOUNT << b.shift) == 0);
            assert((now_ ^ b.word) & ~(MAY_CHANGE | AMOUNT) == 0);
        }
    }

    /// Every stake goes to the pool, the flags of the stake pages stay.
    function check_leave() public {
        Call memory c = _leave();
        uint256 before = word(key(0, c.sender));
        uint256 pages = (before >> 249) & 31;
        vm.assume(pages <= 16);
        uint256[] memory held = new uint256[](17);
        for (uint256 p = 1; p < 17; p++) held[p] = word(key(p, c.sender));
        if (!_send(c)) return;
        assert(token.pulls() == 0 && token.sends() == 0);
        uint256 now_ = word(key(0, c.sender));
        uint256 staked = (before >> 54) & AMOUNT;
        for (uint256 p = 1; p < 17; p++) {
            uint256 page = word(key(p, c.sender));
            if (p > pages) {
                assert(page == held[p]);
            } else {
                assert(page == (held[p] >> 216) << 216);
                staked = _plus(staked, _lanes(held[p]));
            }
        }
        // `Lemmas` shows what this makes of the fields
        unchecked {
            assert((before & AMOUNT) + staked <= AMOUNT);
            assert(now_ == before - (before & (AMOUNT << 54)) + staked);
        }
        _done();
    }

    function check_withdraw() public {
        uint256 amount = svm.createUint256("amount");
        vm.assume(amount != 2 ** 256 - 1);
        (uint256 before, uint256 now_) = _take_out(amount);
        uint256 nano = amount / NANO;
        assert(token.sent() == amount && nano * NANO == amount);
        assert(now_ == before - nano);
        _done();
    }

    function check_withdraw_all() public {
        (uint256 before, uint256 now_) = _take_out(2 ** 256 - 1);
        assert(now_ <= before && before - now_ <= before & AMOUNT);
        assert(_nano_times_512(token.sent()) == (before - now_) << 9);
        _done();
    }

    function _take_out(uint256 amount) internal returns (uint256 before, uint256 now_) {
        Call memory c = _withdraw(amount);
        _pages_at_most(c.sender, 0);
        _plain(c.sender);
        before = word(key(0, c.sender));
        uint256 treasury = scalar(SLOT_RESERVE) + scalar(SLOT_BURNED);
        if (!_send(c)) vm.assume(false);
        assert(token.pulls() == 0 && token.sends() == 1);
        assert(scalar(SLOT_RESERVE) + scalar(SLOT_BURNED) == treasury);
        now_ = word(key(0, c.sender));
    }

    /// The sum of a page's four stakes, as `Lemmas` shows it to be.
    function _lanes(uint256 page) internal pure returns (uint256) {
        unchecked {
            return ((page & EVEN) + ((page >> 54) & EVEN)) % HALVES;
        }
    }

    function _plus(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return a + b;
        }
    }

    function _done() internal virtual {}
}

/// What the claims on stake pages rest on.
contract Lemmas is Base {
    /// Of any page, the two halves together are a multiple of HALVES and the sum of the four
    /// stakes, which is less than HALVES: so it is the remainder, of which there is one.
    function check_lanes() public pure {
        uint256 page = svm.createUint256("page");
        unchecked {
            uint256 halves = (page & EVEN) + ((page >> 54) & EVEN);
            uint256 multiple = halves >> 108;
            uint256 sum = (page & AMOUNT) + ((page >> 54) & AMOUNT) + ((page >> 108) & AMOUNT)
                + ((page >> 162) & AMOUNT);
            assert(sum < HALVES && multiple < 2 ** 64);
            assert(halves == (multiple << 108) - multiple + sum);
        }
    }

    /// What is added to a word whose pool has room for it is added to the pool alone.
    function check_room() public pure {
        uint256 before = svm.createUint256("before");
        uint256 added = svm.createUint(61, "added");
        vm.assume((before & AMOUNT) + added <= AMOUNT);
        unchecked {
            uint256 now_ = before - (before & (AMOUNT << 54)) + added;
            assert(now_ & AMOUNT == (before & AMOUNT) + added);
            assert(now_ & (AMOUNT << 54) == 0);
            assert(now_ >> 108 == before >> 108);
        }
    }
}

/// Found false: each of the calls of `Fields` can succeed.
contract FieldsReached is Fields {
    function _done() internal pure override {
        assert(false);
    }
}

/// The calls above can succeed: what is claimed of them is not claimed of nothing. Each of these
/// has to be found false.
contract Reached is Claims {
    function claim(Call memory c) internal override {
        assert(!_send(c));
    }
}
