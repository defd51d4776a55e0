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
        bytes32 low = bytes32((s.vs << 1) >> 1);
        address signer = ecrecover(s.hash, uint8(27 + (s.vs >> 255)), s.r, low);
        return _both(signer == s.account, s.account != address(0));
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

/// `relay` with one instruction of two stakes, of models 0 and 1.
contract Relay is Signatures {
    bytes32 internal constant INSTRUCTION = keccak256(
        "Instruction(address account,uint256[] models,uint256[] stakes,Split[] splits,uint256 nonce,uint256 deadline)Split(uint256 model,uint256[] destinations,uint256[] shares)"
    );

    struct Words {
        uint256 first;
        uint256 page;
        uint256 beside;
    }

    function check_relay() public {
        Call memory c = _begin(0);
        Signed memory s = _key_signature();
        s.account = svm.createAddress("account");
        s.nonce = svm.createUint(26, "nonce");
        s.deadline = svm.createUint(32, "deadline");
        s.first = svm.createUint(54, "first");
        s.second = svm.createUint(54, "second");
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
        Words memory before = _words(s.account);
        uint256 any = svm.createUint256("any");
        uint256 any_before = word(any);
        if (!_send(c)) return;

        assert(token.sends() == 0 && token.pulls() == 0);
        Words memory now_ = _words(s.account);
        if (now_.beside == before.beside) {
            // skipped
            assert(word(any) == any_before);
            return;
        }
        assert(
            _either(
                _either(word(any) == any_before, any == key(0, s.account)),
                _either(any == key(1, s.account), any == key(32, s.account))
            )
        );
        assert(block.timestamp <= s.deadline && !_paused());
        assert(s.nonce == before.beside >> 230 && now_.beside >> 230 == s.nonce + 1);
        _signed(s);
        assert(now_.page == (before.page & ~AMOUNT) | s.second);
        _done();
    }

    function _words(address account) internal view returns (Words memory w) {
        w.first = word(key(0, account));
        w.page = word(key(1, account));
        w.beside = word(key(32, account));
    }

    function _signed(Signed memory s) internal {
        uint256[] memory models = new uint256[](2);
        models[1] = 1;
        s.hash = _typed(
            keccak256(
                abi.encode(
                    INSTRUCTION,
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

    function _done() internal virtual {}
}

/// Found false: an instruction can be applied.
contract RelayReached is Relay {
    function _done() internal pure override {
        assert(false);
    }
}

/// `relay_move` between two accounts without stake pages.
contract RelayMove is Signatures {
    function check_relay_move() public {
        Call memory c = _begin(6);
        Signed memory s = _key_signature();
        Signed memory t = _key_signature();
        s.account = svm.createAddress("account");
        t.account = svm.createAddress("to");
        s.deadline = svm.createUint256("deadline");
        for (uint256 i = 0; i < 6; i++) c.accounts[i] = i < 3 ? s.account : t.account;
        c.places[1] = c.places[4] = 17;
        c.places[2] = c.places[5] = 32;
        c.data = abi.encodeWithSignature(
            "relay_move(address,address,uint256,bytes,bytes)",
            s.account,
            t.account,
            s.deadline,
            abi.encodePacked(s.r, s.vs),
            abi.encodePacked(t.r, t.vs)
        );
        vm.assume(s.account.code.length == 0 && t.account.code.length == 0);
        vm.assume(_pages(s.account) == 0 && _pages(t.account) == 0);
        uint256 before = word(key(0, s.account));
        uint256 to_before = word(key(0, t.account));
        s.nonce = word(key(32, s.account)) >> 230;
        uint256 any = svm.createUint256("any");
        uint256 any_before = word(any);
        if (!_send(c)) return;

        assert(token.sends() == 0 && token.pulls() == 0);
        assert(
            _both(block.timestamp <= s.deadline, _both(!_paused(), scalar(SLOT_ANNOUNCED_AT) == 0))
        );
        s.hash = t.hash = _typed(
            keccak256(
                abi.encode(
                    keccak256("Move(address account,address to,uint256 nonce,uint256 deadline)"),
                    s.account,
                    t.account,
                    s.nonce,
                    s.deadline
                )
            )
        );
        assert(_both(_is_signed(s), _is_signed(t)));
        bool named = word(any) == any_before;
        for (uint256 i = 0; i < 6; i++) {
            named = _either(named, any == key(c.places[i], c.accounts[i]));
        }
        // the account is emptied, and all of it stands beside the other's pool
        uint256 now_ = word(key(0, t.account));
        bool emptied = word(key(0, s.account)) & (2 ** 239 - 1) == 0;
        bool arrived = _both(
            (now_ >> 54) & AMOUNT == (before >> 54) & AMOUNT,
            now_ & AMOUNT == (before & AMOUNT) + (to_before & AMOUNT)
        );
        assert(_both(named, _both(emptied, arrived)));
        _done();
    }

    function _done() internal virtual {}
}

/// Found false: a signed move can succeed.
contract RelayMoveReached is RelayMove {
    function _done() internal pure override {
        assert(false);
    }
}
