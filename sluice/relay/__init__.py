"""Everything gas-free: signed messages are kept, instructions relayed in batches, outcomes seen.

A participant signs; the relay sends and pays. It can do nothing that was not signed: anybody can
run one, and who trusts none sends his instruction himself.
"""
