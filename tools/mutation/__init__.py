"""Mutation testing of the escrow: see `tools/mutate.py`."""
