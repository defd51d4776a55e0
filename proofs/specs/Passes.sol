// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "./Calls.sol";

/// One entry of one link: what a pass may do to the account that the entry names. The round stands
/// at each of the four places of the ring; nothing but the place and the times depends on it.
abstract contract OneEntry is Calls {
    uint256 internal constant UNIT = 2 ** 18;
    uint256 internal constant BIAS = 2 ** 53;

    struct Entry {
        Call call;
        address account;
        uint256 payout;
        uint256 word;
        uint256 shift;
        uint256 bound;
        uint256 reserve;
        uint256 burned;
    }

    function check_place_0() public { claim(_resolve(8)); }
    function check_place_1() public { claim(_resolve(9)); }
    function check_place_2() public { claim(_resolve(10)); }
    function check_place_3() public { claim(_resolve(11)); }

    function claim(Entry memory e) internal virtual;

    /// An entry of one word, whatever it says.
    function _resolve(uint256 round_word) internal returns (Entry memory e) {
        vm.store(escrow, bytes32(SLOT_RESOLVED), bytes32(round_word - 1));
        Call memory c = _begin(2);
        e.call = c;
        e.account = svm.createAddress("account");
        e.payout = svm.createUint(54, "payout");
        c.accounts[0] = e.account;
        c.accounts[1] = e.account;
        c.places[1] = 32;
        c.slots = TREASURY_SLOTS | ROUND_SLOTS;
        bytes[] memory links = new bytes[](1);
        links[0] = abi.encodePacked(uint256(uint160(e.account)) | (e.payout << 160));
        // announced a day and an hour ago, in time: the link is all that is left of the round
        uint256 time = FIRST_PASS_TIME + (round_word - 1) * 7 days + 1 days + 1 hours;
        vm.warp(time);
        vm.store(escrow, bytes32(SLOT_PAUSED_AT), bytes32(0));
        vm.store(escrow, bytes32(SLOT_ANNOUNCED_AT), bytes32(time - 1 days));
        vm.store(
            escrow,
            bytes32(SLOT_DIGEST),
            keccak256(abi.encodePacked(keccak256(links[0]), bytes32(0)))
        );
        c.data = abi.encodeWithSignature(
            "resolve(uint256,bytes[],bytes32)",
            FIRST_PASS + round_word - 1,
            links,
            bytes32(0)
        );

        e.word = word(key(0, e.account));
        e.shift = 108 + 30 * (round_word % 4);
        e.bound = ((e.word >> e.shift) & (2 ** 30 - 1)) * UNIT;
        e.reserve = scalar(SLOT_RESERVE);
        e.burned = scalar(SLOT_BURNED);
    }

    /// No stake page and no split of its own: the destinations of a split would be any places of
    /// an array, which halmos cannot follow.
    function _one_model(Entry memory e) internal pure {
        vm.assume((e.word >> 249) & 31 == 0);
        vm.assume((e.word >> 254) & 1 == 0);
    }

    function _equity(uint256 word_) internal pure returns (uint256) {
        return (word_ & AMOUNT) + ((word_ >> 54) & AMOUNT);
    }
}

/// A pass neither burns nor earns more than what the account's word records for the round, and what
/// the stake loses and gains is what is burned and taken from the reserve: of an account that may
/// have missed any number of passes, and something due, as long as its stake covers the loss.
contract Bounded is OneEntry {
    function claim(Entry memory e) internal override {
        _one_model(e);
        uint256 stake = (e.word >> 54) & AMOUNT;
        vm.assume(stake != 0 && stake + e.payout >= BIAS && stake + e.payout - BIAS <= AMOUNT);
        // no round after this one is done
        vm.assume((e.word >> 228) & 2047 <= scalar(SLOT_RESOLVED));
        uint256 any = svm.createUint256("any");
        uint256 before = word(any);
        if (!_send(e.call)) return;

        assert(e.payout <= BIAS + e.bound && BIAS <= e.payout + e.bound);
        uint256 now_ = word(key(0, e.account));
        assert((now_ >> 54) & AMOUNT == stake + e.payout - BIAS);
        assert(now_ & AMOUNT == e.word & AMOUNT);
        if (e.payout >= BIAS) {
            assert(scalar(SLOT_RESERVE) == e.reserve - (e.payout - BIAS));
            assert(scalar(SLOT_BURNED) == e.burned);
        } else {
            assert(scalar(SLOT_RESERVE) == e.reserve);
            assert(scalar(SLOT_BURNED) == e.burned + (BIAS - e.payout));
        }
        assert(_either(word(any) == before, any == key(0, e.account)));
        assert(token.sends() == 0 && token.pulls() == 0);
        _done(e);
    }

    function _done(Entry memory e) internal virtual {}
}

/// Found false: an account that missed a pass can lose, and has something due.
contract BoundedReached is Bounded {
    function _done(Entry memory e) internal view override {
        bool missed = (e.word >> 228) & 2047 < scalar(SLOT_RESOLVED) - 1;
        assert(!missed || e.payout >= BIAS || e.word >> 255 == 0);
    }
}

/// The account of one word that is in every pass: the new word is what the plain rule says.
contract Typical is OneEntry {
    function claim(Entry memory e) internal override {
        _one_model(e);
        uint256 round_word = scalar(SLOT_RESOLVED) + 1;
        vm.assume(e.word >> 255 == 0);
        vm.assume((e.word >> 228) & 2047 == round_word - 1);
        uint256 stake = (e.word >> 54) & AMOUNT;
        vm.assume(stake != 0 && stake + e.payout >= BIAS);
        if (!_send(e.call)) return;
        // neither more burned nor more earned than what the word recorded for the round
        assert(e.payout <= BIAS + e.bound && BIAS <= e.payout + e.bound);

        uint256 staked = stake + e.payout - BIAS;
        uint256 risk = (staked * 2_500 + 10_000 * UNIT - 1) / (10_000 * UNIT);
        if (risk > 2 ** 30 - 1) risk = 2 ** 30 - 1;
        uint256 expected = e.word & ~((AMOUNT << 54) | ((2 ** 30 - 1) << e.shift));
        expected = (expected | (staked << 54) | (risk << e.shift)) + (1 << 228);
        assert(word(key(0, e.account)) == expected);
        if (e.payout >= BIAS) {
            assert(scalar(SLOT_RESERVE) == e.reserve - (e.payout - BIAS));
            assert(scalar(SLOT_BURNED) == e.burned);
        } else {
            assert(scalar(SLOT_RESERVE) == e.reserve);
            assert(scalar(SLOT_BURNED) == e.burned + (BIAS - e.payout));
        }
    }
}

/// Each of these has to be found false: entries can be applied, with a loss and with an earning.
contract EntryReached is OneEntry {
    function claim(Entry memory e) internal override {
        _one_model(e);
        if (!_send(e.call)) return;
        uint256 now_ = word(key(0, e.account));
        assert(_equity(now_) >= _equity(e.word));
    }
}

/// A loss that the stake does not cover comes out of the pool, and what neither covers is not
/// burned: never more than what is recorded.
contract Uncovered is OneEntry {
    function claim(Entry memory e) internal override {
        _one_model(e);
        vm.assume(e.payout + ((e.word >> 54) & AMOUNT) < BIAS);
        vm.assume((e.word >> 228) & 2047 == scalar(SLOT_RESOLVED));
        vm.assume(e.word >> 255 == 0);
        uint256 any = svm.createUint256("any");
        uint256 before = word(any);
        if (!_send(e.call)) return;

        assert(scalar(SLOT_BURNED) <= e.burned + e.bound);
        assert(scalar(SLOT_RESERVE) == e.reserve);
        assert(_either(word(any) == before, any == key(0, e.account)));
    }
}

/// An account with one stake page that the entry names, each stake of which covers its loss, and is
/// not zero if it earns: burned and earned is at most what is recorded.
/// @custom:halmos --solver-timeout-branching 1s
contract BoundedPage is OneEntry {
    function claim(Entry memory e) internal override {
        uint256 payouts = svm.createUint(216, "payouts");
        _name_page(e, payouts);
        uint256 stake = (e.word >> 54) & AMOUNT;
        vm.assume((e.word >> 228) & 2047 == scalar(SLOT_RESOLVED));
        vm.assume((e.word >> 249) & 127 == 1);
        vm.assume(stake != 0 && stake + e.payout >= BIAS && stake + e.payout - BIAS <= AMOUNT);
        uint256 page = word(key(1, e.account));
        vm.assume(page >> 216 == 0);
        for (uint256 i = 0; i < 4; i++) {
            uint256 held = (page >> (54 * i)) & AMOUNT;
            uint256 payout = (payouts >> (54 * i)) & AMOUNT;
            bool covered = _both(held < BIAS, held + payout >= BIAS);
            vm.assume(_both(covered, _either(payout <= BIAS, held != 0)));
        }
        uint256 any = svm.createUint256("any");
        uint256 before = word(any);
        if (!_send(e.call)) return;

        assert(scalar(SLOT_BURNED) <= e.burned + e.bound);
        assert(e.reserve <= scalar(SLOT_RESERVE) + e.bound);
        bool named = _either(any == key(0, e.account), any == key(1, e.account));
        assert(_either(word(any) == before, named));
        assert(token.sends() == 0 && token.pulls() == 0);
        _done();
    }

    /// The entry has a page word as well, of stake page 1.
    function _name_page(Entry memory e, uint256 payouts) internal {
        bytes[] memory links = new bytes[](1);
        links[0] = abi.encodePacked(
            uint256(uint160(e.account)) | (e.payout << 160) | (1 << 214), payouts | (1 << 216)
        );
        vm.store(
            escrow,
            bytes32(SLOT_DIGEST),
            keccak256(abi.encodePacked(keccak256(links[0]), bytes32(0)))
        );
        e.call.data = abi.encodeWithSignature(
            "resolve(uint256,bytes[],bytes32)",
            FIRST_PASS + scalar(SLOT_RESOLVED),
            links,
            bytes32(0)
        );
    }

    function _done() internal virtual {}
}

/// Found false: such an account can be passed.
contract BoundedPageReached is BoundedPage {
    function _done() internal pure override {
        assert(false);
    }
}
