// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "./Claims.sol";
import "./Passes.sol";

/// False claims, each next to one that is proved. All have to be found: what could not find them
/// would not mean much where it finds nothing.
contract Planted is Calls {
    /// A deposit for somebody changes that account's words.
    function check_others_untouched() public {
        Call memory c = _deposit_for();
        vm.assume(c.accounts[0] != c.sender);
        uint256 before = word(key(0, c.accounts[0]));
        if (!_send(c)) return;
        assert(word(key(0, c.accounts[0])) == before);
    }

    /// A deposit is worth what it is, not a nano more.
    function check_one_nano_more() public {
        Call memory c = _deposit();
        uint256 before = word(key(0, c.sender));
        if (!_send(c)) return;
        uint256 gained = _less(word(key(0, c.sender)), before);
        assert(_nano_times_512(token.pulled()) == (gained + 1) << 9);
    }

    /// The reserve goes to the owner, not to the operator.
    function check_reserve_to_operator() public {
        if (!_send(_withdraw_reserve())) return;
        assert(token.to() == address(uint160(scalar(SLOT_OPERATOR))));
    }

    /// The guardian's pause is not anybody's.
    function check_nobody_pauses() public {
        uint256 before = scalar(SLOT_PAUSED_AT);
        if (!_send(_pause())) return;
        assert(scalar(SLOT_PAUSED_AT) == before);
    }
}

/// A pass may burn what is recorded, not one unit less: found false.
contract PlantedBound is OneEntry {
    function claim(Entry memory e) internal override {
        _one_model(e);
        vm.assume(e.bound >= UNIT);
        if (!_send(e.call)) return;
        assert(_equity(e.word) <= _equity(word(key(0, e.account))) + e.bound - UNIT);
    }
}
