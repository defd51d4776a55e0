// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.30;

import "../build/EscrowCode.sol";

interface Vm {
    function assume(bool condition) external pure;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function load(address target, bytes32 slot) external view returns (bytes32);
    function store(address target, bytes32 slot, bytes32 value) external;
}

interface Svm {
    function createUint256(string memory name) external pure returns (uint256);
    function createUint(uint256 bits, string memory name) external pure returns (uint256);
    function createAddress(string memory name) external pure returns (address);
    function createBytes32(string memory name) external pure returns (bytes32);
    function createBool(string memory name) external pure returns (bool);
    function createBytes(uint256 size, string memory name) external pure returns (bytes memory);
    function enableSymbolicStorage(address target) external;
}

/// The token of the proofs: it says yes to everything and writes down what it was asked.
contract RecordingToken {
    uint256 public sends;
    uint256 public sent;
    address public to;
    uint256 public pulls;
    uint256 public pulled;
    address public from;
    address public pulledTo;

    function transfer(address to_, uint256 amount) external returns (bool) {
        unchecked {
            sends += 1;
            sent += amount;
        }
        to = to_;
        return true;
    }

    function transferFrom(address from_, address to_, uint256 amount) external returns (bool) {
        unchecked {
            pulls += 1;
            pulled += amount;
        }
        from = from_;
        pulledTo = to_;
        return true;
    }
}

contract RecordingBurner {
    uint256 public burned;

    function burn(uint256 amount) external {
        burned += amount;
    }
}

/// An escrow as the deployment makes it, whose whole storage is then any.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm internal constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

    uint256 internal constant DEPLOYED_AT = 1_800_000_000;
    uint256 internal constant FIRST_PASS = 1_000;
    uint256 internal constant FIRST_PASS_TIME = DEPLOYED_AT + 3 days;
    uint256 internal constant NANO = 10 ** 9;
    uint256 internal constant AMOUNT = 2 ** 54 - 1;
    // two amounts of a stake page with room for sums, which taken modulo HALVES come together
    uint256 internal constant EVEN = AMOUNT | (AMOUNT << 108);
    uint256 internal constant HALVES = 2 ** 108 - 1;

    // its product with 10^9 is 2^9, modulo 2^256
    uint256 internal constant NANO_INVERSE =
        0x88f2cfb83100cb4e69e7c79c58b316e597157d372fb9787e8e47ce423a2e9c6d;

    address internal escrow;
    RecordingToken internal token;
    RecordingBurner internal burner;

    function setUp() public {
        token = new RecordingToken();
        burner = new RecordingBurner();
        vm.warp(DEPLOYED_AT);
        bytes memory code = abi.encodePacked(
            ESCROW_CODE,
            abi.encode(
                address(token),
                address(burner),
                address(0x0a),
                address(0x0b),
                address(0x0c),
                FIRST_PASS,
                FIRST_PASS_TIME,
                uint256(7 days),
                uint256(1 days),
                uint256(21 days),
                uint256(2_500)
            )
        );
        address made;
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0), "deployment");
        escrow = made;
        svm.enableSymbolicStorage(made);
    }

    function key(uint256 place, address account) internal pure returns (uint256) {
        return (place << 160) | uint256(uint160(account));
    }

    function word(uint256 key_) internal view returns (uint256) {
        return uint256(vm.load(escrow, keccak256(abi.encode(SLOT_WORDS, key_))));
    }

    function scalar(uint256 slot) internal view returns (uint256) {
        return uint256(vm.load(escrow, bytes32(slot)));
    }

    // words; without branches, of which each would double the paths

    /// What a word at a place holds: pool and stake of model 0, or four stakes, or nothing.
    function _nano(uint256 place, uint256 word_) internal pure returns (uint256) {
        unchecked {
            uint256 first = (word_ & AMOUNT) + ((word_ >> 54) & AMOUNT);
            uint256 rest = ((word_ >> 108) & AMOUNT) + ((word_ >> 162) & AMOUNT);
            return (first & (0 - _bit(place < 17))) + (rest & (0 - _bit(_less(place, 1) < 16)));
        }
    }

    function _bit(bool b) internal pure returns (uint256 bit) {
        assembly {
            bit := b
        }
    }

    function _either(bool a, bool b) internal pure returns (bool c) {
        assembly {
            c := or(a, b)
        }
    }

    function _both(bool a, bool b) internal pure returns (bool c) {
        assembly {
            c := and(a, b)
        }
    }

    function _less(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return a - b;
        }
    }

    /// Base units as nano-NMR times 2^9: the two are equal if and only if the base units are nano
    /// times 10^9, and a solver sees shifts instead of products.
    function _nano_times_512(uint256 base_units) internal pure returns (uint256) {
        unchecked {
            return base_units * NANO_INVERSE;
        }
    }

    function _pages(address account) internal view returns (uint256) {
        return (word(key(0, account)) >> 249) & 31;
    }

    function _pages_at_most(address account, uint256 pages) internal view {
        vm.assume(_pages(account) <= pages);
    }

    /// In the last pass, nothing lapsed yet, nothing due: what is left open is how many stake pages
    /// there are, and what stands in them.
    function _plain(address account) internal view {
        uint256 word_ = word(key(0, account));
        vm.assume(word_ >> 255 == 0);
        vm.assume((word_ >> 228) & 2047 == scalar(SLOT_RESOLVED));
        vm.assume(block.timestamp <= FIRST_PASS_TIME + 21 days);
    }

    function _paused() internal view returns (bool) {
        return block.timestamp < scalar(SLOT_PAUSED_AT) + 7 days;
    }
}
