// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "./Claims.sol";

/// While paused, what takes others' NMR in or acts on accounts is refused.
contract Stopped is Calls {
    function check_deposit() public { claim(_deposit()); }
    function check_deposit_for() public { claim(_deposit_for()); }
    function check_deposit_and_stake() public { claim(_deposit_and_stake(_any_models(1))); }
    function check_announce() public { claim(_announce()); }

    function check_resolve() public {
        Call memory c = _begin(0);
        bytes[] memory links = new bytes[](1);
        links[0] = abi.encodePacked(svm.createUint256("entry"));
        c.data = abi.encodeWithSignature(
            "resolve(uint256,bytes[],bytes32)",
            svm.createUint256("round"),
            links,
            svm.createBytes32("next")
        );
        claim(c);
    }

    function check_relay() public {
        Call memory c = _begin(0);
        c.data = abi.encodeWithSignature(
            "relay(bytes,bytes)", svm.createBytes(48, "instruction"), svm.createBytes(64, "signed")
        );
        claim(c);
    }

    function check_relay_move() public {
        Call memory c = _begin(0);
        c.data = abi.encodeWithSignature(
            "relay_move(address,address,uint256,bytes,bytes)",
            svm.createAddress("account"),
            svm.createAddress("to"),
            svm.createUint256("deadline"),
            svm.createBytes(64, "signature"),
            svm.createBytes(64, "to_signature")
        );
        claim(c);
    }

    function check_pay() public {
        Call memory c = _begin(0);
        uint256[] memory requests = new uint256[](1);
        requests[0] = svm.createUint256("request");
        c.data = abi.encodeWithSignature(
            "pay(uint256[],address[],bytes)", requests, new address[](0), svm.createBytes(64, "s")
        );
        claim(c);
    }

    function claim(Call memory c) internal {
        vm.assume(scalar(SLOT_PAUSED_AT) < 2 ** 63);
        vm.assume(_paused());
        assert(!_send(c));
    }
}

/// The way out is open in every state of the pause, the round and the roles, at any time: what an
/// account takes off its models and what no risk locks cannot be refused.
contract WayOut is Calls {
    function check_set_stakes_0() public { _unstake(0); }
    function check_set_stakes_1() public { _unstake(1); }
    function check_set_stakes_64() public { _unstake(64); }

    function check_leave() public {
        Call memory c = _leave();
        uint256 held = word(key(0, c.sender));
        vm.assume(_pages(c.sender) == 0);
        vm.assume((held & AMOUNT) + ((held >> 54) & AMOUNT) <= AMOUNT);
        assert(_send(c));
    }

    /// Nothing at risk, and less than all of the pool asked for.
    function check_withdraw() public {
        Call memory c = _withdraw(2 ** 256 - 1);
        uint256 held = word(key(0, c.sender));
        vm.assume(_pages(c.sender) == 0 && held & AMOUNT != 0);
        vm.assume((held >> 108) & (2 ** 120 - 1) == 0);
        // later than the year 2106 nothing is claimed
        vm.assume(block.timestamp >= DEPLOYED_AT && block.timestamp < 2 ** 32);
        assert(_send(c));
        assert(_nano_times_512(token.sent()) == (held & AMOUNT) << 9);
    }

    /// All of a model's stake to the pool, which has room for it.
    function _unstake(uint256 model) internal {
        uint256[] memory stakes = new uint256[](1);
        Call memory c = _begin(0);
        c.data = abi.encodeWithSignature("set_stakes(uint256[],uint256[])", _one(model), stakes);
        uint256 page = key((model + 3) / 4, c.sender);
        uint256 shift = model == 0 ? 54 : ((model + 3) % 4) * 54;
        uint256 stake = (word(page) >> shift) & AMOUNT;
        vm.assume((word(key(0, c.sender)) & AMOUNT) + stake <= AMOUNT);
        assert(_send(c));
        assert((word(page) >> shift) & AMOUNT == 0);
    }
}
