"""A participant's own account: what it shows and does, for the account command.

    now       the account as it is, as a change would leave it, both ways out
    pending   what is still to come, one-time or standing
    words     all of that for a person, and for --json
    chain     reading it, and what a transaction costs
    store     where signed messages are kept
    desk      asking, sending, signing, ending
    commands  one function for each subcommand
    moving    those of a move to another address

The first three are pure.
"""
