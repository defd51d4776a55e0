// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "./Calls.sol";

/// What acts for an account that did not send the call: `relay`, `pay` and a move by signature.
abstract contract Signatures is Calls {
    struct Signed {
        address account;
        bytes32 r;
        uint256 vs;
        bytes32 hash;
        uint256 nano;
        uint256 period;
        uint256 nonce;
        uint256 deadline;
        uint256 first;
        uint256 second;
    }

    /// Whether the account's own key signed this: the claims rest on it alone. A contract wallet's
    /// word (ERC-1271) is not looked at here.
    function _is_signed(Signed memory s) internal pure returns (bool) {
        return ecrecover(s.hash, uint8(27 + (s.vs >> 255)), s.r, bytes32((s.vs << 1) >> 1))
            == s.account && s.account != address(0);
    }

    function _key_signature() internal pure returns (Signed memory s) {
        s.r = svm.createBytes32("r");
        s.vs = svm.createUint256("vs");
        vm.assume(s.r != 0);
    }

    function _typed(bytes32 struct_hash) internal returns (bytes32) {
        (bool ok, bytes memory domain) = escrow.call(abi.encodeWithSignature("domain()"));
        assert(ok);
        return keccak256(abi.encodePacked(hex"1901", abi.decode(domain, (bytes32)), struct_hash));
    }
}

/// `pay` with one signed request.
contract PayRequest is Signatures {
    function check_pay_request() public {
        Call memory c = _begin(2);
        Signed memory s = _key_signature();
        s.account = svm.createAddress("account");
        s.nano = svm.createUint(54, "nano");
        s.period = svm.createUint(10, "period");
        s.deadline = svm.createUint(32, "deadline");
        uint256[] memory requests = new uint256[](1);
        requests[0] =
            uint256(uint160(s.account)) | (s.nano << 160) | (s.period << 214) | (s.deadline << 224);
        c.data = abi.encodeWithSignature(
            "pay(uint256[],address[],bytes)",
            requests,
            new address[](0),
            abi.encodePacked(s.r, s.vs)
        );
        _plain(s.account);
        vm.assume(_pages(s.account) == 0);
        vm.assume(s.deadline != 2 ** 32 - 1 && s.nano != AMOUNT);
        uint256 before = word(key(0, s.account));
        uint256 any = svm.createUint256("any");
        uint256 any_before = word(any);
        if (!_send(c)) return;

        assert(_either(word(any) == any_before, any == key(0, s.account)));
        uint256 now_ = word(key(0, s.account));
        assert(token.pulls() == 0);
        if (token.sends() == 0) {
            assert(now_ == before);
            return;
        }
        assert(token.sends() == 1 && token.to() == s.account);
        assert(c.sender == address(uint160(scalar(SLOT_OPERATOR))));
        assert(token.sent() == s.nano * NANO);
        assert(now_ & AMOUNT == (before & AMOUNT) - s.nano);
        assert((now_ >> 54) & AMOUNT == (before >> 54) & AMOUNT);
        assert((before >> 239) & 1023 < s.period && block.timestamp <= s.deadline);
        s.hash = _typed(
            keccak256(
                abi.encode(
                    keccak256(
                        "Withdrawal(address account,uint256 amount,uint256 period,uint256 deadline)"
                    ),
                    s.account,
                    s.nano * NANO,
                    s.period,
                    s.deadline
                )
            )
        );
        assert(_is_signed(s));
        _paid();
    }

    function _paid() internal virtual {}
}

/// Found false: a request can be paid.
contract PayRequestReached is PayRequest {
    function _paid() internal pure override {
        assert(false);
    }
}

/// `pay` with one due item.
contract PayDue is Signatures {
    function check_pay_due() public {
        Call memory c = _begin(2);
        address account = svm.createAddress("account");
        address[] memory accounts = new address[](1);
        accounts[0] = account;
        c.data = abi.encodeWithSignature(
            "pay(uint256[],address[],bytes)", new uint256[](0), accounts, bytes("")
        );
        uint256 before = word(key(0, account));
        uint256 due_before = word(key(32, account));
        uint256 due = (due_before >> 176) & AMOUNT;
        // what is due is part of the pool, and has its flag
        vm.assume(due <= before & AMOUNT);
        vm.assume((before >> 255 == 1) == (due != 0));
        uint256 any = svm.createUint256("any");
        uint256 any_before = word(any);
        if (!_send(c)) return;

        assert(
            _either(
                word(any) == any_before, _either(any == key(0, account), any == key(32, account))
            )
        );
        uint256 now_ = word(key(0, account));
        assert(token.pulls() == 0);
        if (token.sends() == 0) {
            assert(now_ == before && word(key(32, account)) == due_before);
            return;
        }
        assert(token.sends() == 1 && token.to() == account);
        assert(c.sender == address(uint160(scalar(SLOT_OPERATOR))));
        assert(_nano_times_512(token.sent()) == due << 9);
        assert(now_ & AMOUNT == (before & AMOUNT) - due);
        assert((now_ >> 54) & AMOUNT == (before >> 54) & AMOUNT);
        assert(word(key(32, account)) == due_before & ~(AMOUNT << 176));
        _paid();
    }

    function _paid() internal virtual {}
}

/// Found false: what is due can be paid.
contract PayDueReached is PayDue {
    function _paid() internal pure override {
        assert(false);
    }
}

/// `relay` with one instruction of two stakes.
contract Relay is Signatures {
    function check_relay() public {
        Call memory c = _begin(0);
        Signed memory s = _key_signature();
        s.account = svm.createAddress("account");
        s.nonce = svm.createUint(26, "nonce");
        s.deadline = svm.createUint(32, "deadline");
        s.first = svm.createUint(54, "first");
        s.second = svm.createUint(54, "second");
        // models 0 and 1
        c.data = abi.encodeWithSignature(
            "relay(bytes,bytes)",
            abi.encodePacked(
                uint256(uint160(s.account)) | (2 << 160) | (s.nonce << 176) | (s.deadline << 202),
                uint64(s.first),
                uint64(s.second | (1 << 54))
            ),
            abi.encodePacked(s.r, s.vs)
        );
        vm.assume(s.deadline != 2 ** 32 - 1);
        uint256 before = word(key(0, s.account));
        uint256 page = word(key(1, s.account));
        uint256 beside = word(key(32, s.account));
        uint256 any = svm.createUint256("any");
        uint256 any_before = word(any);
        if (!_send(c)) return;

        assert(token.sends() == 0 && token.pulls() == 0);
        uint256 now_ = word(key(0, s.account));
        if (word(any) == any_before) return;
        assert(
            any == key(0, s.account) || any == key(1, s.account) || any == key(32, s.account)
        );
        assert(block.timestamp <= s.deadline);
        assert(s.nonce == beside >> 230 && word(key(32, s.account)) >> 230 == s.nonce + 1);
        assert((now_ >> 54) & AMOUNT == s.first);
        assert(word(key(1, s.account)) == (page & ~AMOUNT) | s.second);
        assert(
            (now_ & AMOUNT) + s.first + s.second
                == (before & AMOUNT) + ((before >> 54) & AMOUNT) + (page & AMOUNT)
        );
        uint256[] memory models = new uint256[](2);
        models[1] = 1;
        s.hash = _typed(
            keccak256(
                abi.encode(
                    keccak256(
                        "Instruction(address account,uint256[] models,uint256[] stakes,Split[] splits,uint256 nonce,uint256 deadline)Split(uint256 model,uint256[] destinations,uint256[] shares)"
                    ),
                    s.account,
                    keccak256(abi.encodePacked(models)),
                    keccak256(abi.encode(s.first * NANO, s.second * NANO)),
                    keccak256(""),
                    s.nonce,
                    s.deadline
                )
            )
        );
        assert(_is_signed(s));
    }
}
