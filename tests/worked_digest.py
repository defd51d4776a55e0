"""The round that docs/accounting.md works through by hand: its two links, the digest that is
announced, and that of what is left after the first link."""

WORKED_FIRST_LINK = bytes.fromhex(
    "00000000002000003b9aca0000000000000000000000000000000000000000a1"
)
WORKED_SECOND_LINK = bytes.fromhex(
    "00000000005ffffff1194d8000000000000000000000000000000000000000b2"
    "0000000002800000000000020000000000000800000000000020000007735940"
)
WORKED_REST = bytes.fromhex("25ec132af4c48d53c7cfadee61c3be358474a89b04cfb3040f0a0c040dda0227")
WORKED_DIGEST = bytes.fromhex("fa2cadf18ede7a438320c5e60fb9e5deaa8250512a362e0f61c2273e7e851171")
