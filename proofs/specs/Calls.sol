// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "./Base.sol";

/// One call of each external, by anybody, at any time, with any arguments. What a call may touch
/// is said here, once; the claims (Claims.sol) hold it to that.
abstract contract Calls is Base {
    struct Call {
        address sender;
        bytes data;
        // the stored words that the call may change, as place and account
        uint256[] places;
        address[] accounts;
        // where NMR may be sent to by it; zero = nowhere
        address payee;
        // which of the escrow's own slots it may change, one bit for each
        uint256 slots;
    }

    uint256 internal constant TREASURY_SLOTS = (1 << SLOT_RESERVE) | (1 << SLOT_BURNED);
    uint256 internal constant ROUND_SLOTS =
        (1 << SLOT_RESOLVED) | (1 << SLOT_DIGEST) | (1 << SLOT_ANNOUNCED_AT);

    // ---------------------------------------------------------------- accounts

    function _deposit() internal returns (Call memory c) {
        c = _begin(1);
        c.accounts[0] = c.sender;
        c.data = abi.encodeWithSignature("deposit(uint256)", svm.createUint256("amount"));
    }

    function _deposit_for() internal returns (Call memory c) {
        c = _begin(1);
        c.accounts[0] = svm.createAddress("account");
        c.data = abi.encodeWithSignature(
            "deposit_for(address,uint256)", c.accounts[0], svm.createUint256("amount")
        );
    }

    function _deposit_and_stake(uint256[] memory models) internal returns (Call memory c) {
        uint256[] memory stakes;
        (c, stakes) = _stakes(models);
        c.data = abi.encodeWithSignature(
            "deposit_and_stake(uint256,uint256[],uint256[])",
            svm.createUint256("amount"),
            models,
            stakes
        );
    }

    function _set_stakes(uint256[] memory models) internal returns (Call memory c) {
        uint256[] memory stakes;
        (c, stakes) = _stakes(models);
        c.data = abi.encodeWithSignature("set_stakes(uint256[],uint256[])", models, stakes);
    }

    function _set_split(uint256 count) internal returns (Call memory c) {
        c = _begin(3);
        uint256 model = svm.createUint256("model");
        uint256[] memory destinations = new uint256[](count);
        uint256[] memory shares = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            destinations[i] = svm.createUint256("destination");
            shares[i] = svm.createUint256("share");
        }
        vm.assume(model <= 64);
        _own(c);
        c.places[1] = (model + 3) / 4;
        c.places[2] = 32 + model;
        c.data = abi.encodeWithSignature(
            "set_split(uint256,uint256[],uint256[])", model, destinations, shares
        );
    }

    function _leave() internal returns (Call memory c) {
        c = _begin(18);
        _own(c);
        for (uint256 i = 0; i < 17; i++) c.places[i] = i;
        c.places[17] = 32;
        c.data = abi.encodeWithSignature("leave()");
    }

    function _cancel_instructions() internal returns (Call memory c) {
        c = _begin(1);
        _own(c);
        c.places[0] = 32;
        c.data = abi.encodeWithSignature(
            "cancel_instructions(uint256)", svm.createUint256("nonce")
        );
    }

    function _cancel_withdrawal() internal returns (Call memory c) {
        c = _begin(1);
        _own(c);
        c.data = abi.encodeWithSignature("cancel_withdrawal()");
    }

    function _withdraw(uint256 amount) internal returns (Call memory c) {
        c = _begin(2);
        _own(c);
        c.places[1] = 32;
        c.payee = c.sender;
        c.data = abi.encodeWithSignature("withdraw(uint256)", amount);
    }

    function _offer_move() internal returns (Call memory c) {
        c = _begin(1);
        _own(c);
        c.places[0] = 17;
        c.data = abi.encodeWithSignature("offer_move(address)", svm.createAddress("to"));
    }

    /// Between two accounts without stake pages.
    function _accept_move() internal returns (Call memory c) {
        c = _begin(6);
        address account = svm.createAddress("account");
        for (uint256 i = 0; i < 6; i++) {
            c.accounts[i] = i < 3 ? account : c.sender;
        }
        c.places[1] = c.places[4] = 17;
        c.places[2] = c.places[5] = 32;
        vm.assume(_pages(account) == 0 && _pages(c.sender) == 0);
        c.data = abi.encodeWithSignature("accept_move(address)", account);
    }

    // ------------------------------------------------------------------ rounds

    function _announce() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = ROUND_SLOTS;
        c.data = abi.encodeWithSignature(
            "announce(uint256,bytes32,bytes32)",
            svm.createUint256("round"),
            svm.createBytes32("replaces"),
            svm.createBytes32("digest")
        );
    }

    function _veto() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = ROUND_SLOTS;
        c.data = abi.encodeWithSignature("veto(uint256)", svm.createUint256("round"));
    }

    function _pause() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_PAUSED_AT;
        c.data = abi.encodeWithSignature("pause()");
    }

    function _unpause() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_PAUSED_AT;
        c.data = abi.encodeWithSignature("unpause()");
    }

    // ---------------------------------------------------------------- treasury

    function _fund() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_RESERVE;
        c.data = abi.encodeWithSignature("fund(uint256)", svm.createUint256("amount"));
    }

    function _withdraw_reserve() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_RESERVE;
        c.payee = address(uint160(scalar(SLOT_OWNER)));
        c.data = abi.encodeWithSignature("withdraw_reserve(uint256)", svm.createUint256("amount"));
    }

    function _burn() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_BURNED;
        c.payee = address(burner);
        c.data = abi.encodeWithSignature("burn()");
    }

    // ------------------------------------------------------------------- roles

    function _set_operator() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_OPERATOR;
        c.data = abi.encodeWithSignature("set_operator(address)", svm.createAddress("operator"));
    }

    function _set_guardian() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_GUARDIAN;
        c.data = abi.encodeWithSignature("set_guardian(address)", svm.createAddress("guardian"));
    }

    function _transfer_ownership() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = 1 << SLOT_PENDING_OWNER;
        c.data =
            abi.encodeWithSignature("transfer_ownership(address)", svm.createAddress("owner"));
    }

    function _accept_ownership() internal returns (Call memory c) {
        c = _begin(0);
        c.slots = (1 << SLOT_OWNER) | (1 << SLOT_PENDING_OWNER);
        c.data = abi.encodeWithSignature("accept_ownership()");
    }

    // ---------------------------------------------------------------- together

    function _begin(uint256 words) internal returns (Call memory c) {
        c.sender = svm.createAddress("sender");
        // nobody can send from the zero address
        vm.assume(c.sender != address(0));
        c.places = new uint256[](words);
        c.accounts = new address[](words);
        vm.warp(svm.createUint256("time"));
        _store_address(SLOT_OWNER, svm.createAddress("owner"));
        _store_address(SLOT_PENDING_OWNER, svm.createAddress("pending_owner"));
        _store_address(SLOT_OPERATOR, svm.createAddress("operator"));
        _store_address(SLOT_GUARDIAN, svm.createAddress("guardian"));
        // what the treasury says of its amounts: in nano-NMR they are under 2^64
        vm.assume(scalar(SLOT_RESERVE) < 2 ** 63);
        vm.assume(scalar(SLOT_BURNED) < 2 ** 63);
    }

    function _send(Call memory c) internal returns (bool done) {
        vm.prank(c.sender);
        (done,) = escrow.call(c.data);
    }

    function _store_address(uint256 slot, address value) internal {
        vm.store(escrow, bytes32(slot), bytes32(uint256(uint160(value))));
    }

    function _own(Call memory c) internal pure {
        for (uint256 i = 0; i < c.accounts.length; i++) c.accounts[i] = c.sender;
    }

    function _stakes(uint256[] memory models)
        internal
        returns (Call memory c, uint256[] memory stakes)
    {
        c = _begin(models.length + 2);
        _own(c);
        stakes = new uint256[](models.length);
        for (uint256 i = 0; i < models.length; i++) {
            stakes[i] = svm.createUint256("stake");
            c.places[2 + i] = (models[i] + 3) / 4;
            // what is spare in a stake page is zero
            vm.assume(_either(models[i] == 0, word(key(c.places[2 + i], c.sender)) < 2 ** 220));
        }
        c.places[1] = 32;
    }

    function _any_models(uint256 count) internal pure returns (uint256[] memory models) {
        models = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            models[i] = svm.createUint256("model");
            vm.assume(models[i] <= 64);
        }
    }

    function _one(uint256 model) internal pure returns (uint256[] memory models) {
        models = new uint256[](1);
        models[0] = model;
    }

    function _two(uint256 first, uint256 second) internal pure returns (uint256[] memory models) {
        models = new uint256[](2);
        models[0] = first;
        models[1] = second;
    }
}
