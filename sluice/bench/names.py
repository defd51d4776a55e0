"""The keys of the figures in words."""

PLAIN = "plain_"
"""Begins the key of a figure that another contract needs for the same work."""
ORDINARY = "oz_"
"""Begins the key of a figure with an ordinary ERC-20 token in the place of NMR."""
LISTED = "_listed"
"""In the key of a figure with an access list, as the scripts send it."""

LABELS = {
    "deploy_gas": "deploying the escrow",
    "runtime_bytes": "its code, in bytes",
    "deposit_first": "first deposit",
    "deposit_repeat": "another deposit",
    "set_stakes_two_models": "moving stake between two models, own transaction",
    "resolve_one_model_marginal": "one account's week, one model",
    "resolve_one_model_listed_marginal": "one account's week, one model, with an access list",
    "resolve_two_models_marginal": "one account's week, payouts on two models",
    "resolve_split_marginal": "one account's week, a split: pool, wallet, another model",
    "resolve_split_other_model_marginal": (
        "one account's week, model 1 to the wallet, nothing due before"
    ),
    "resolve_round_260_total": "round 260 whole: 2,246 accounts, 3,061 models",
    "resolve_round_260_listed_total": "round 260 whole, with access lists",
    "resolve_round_260_largest_transaction": "the largest transaction of it",
    "withdraw": "a withdrawal at once, own transaction",
    "pay_signed_marginal": "a free withdrawal, signed, in a batch",
    "pay_signed_listed_marginal": "a free withdrawal, signed, in a batch, with an access list",
    "pay_due_marginal": "earnings due to a wallet, in a batch",
    "pay_due_listed_marginal": "earnings due to a wallet, in a batch, with an access list",
    "pay_due_other_model_marginal": "the same, without a split of model 0 or a nonce",
    "set_split": "a first split, own transaction",
    "set_split_again": "another split, own transaction",
    "relay_rebalance_marginal": "a signed change of two stakes, in a batch",
    "relay_rebalance_listed_marginal": (
        "a signed change of two stakes, in a batch, with an access list"
    ),
    "relay_split_marginal": "a signed change of a split, in a batch",
    "relay_one": "a signed change of two stakes, relayed alone",
    "fortnight": "a participant's fortnight, operator and user together",
    "fortnight_listed": "the same, with access lists",
    "fortnight_user": "of it the user",
    "distributor_marginal": "one transfer by snekmate's `batch_distributor`",
    "token_transfer": "a transfer of the token to a holder, own transaction",
    "token_transfer_to_new_holder": "a transfer of the token to a new holder",
    "token_approve": "an approval of the token, from nothing",
}
