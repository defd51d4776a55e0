"""What Sluice refuses, and why. Each message says what is wrong and what to do about it."""


class SluiceError(Exception):
    """Base of every error that Sluice raises on purpose."""


class Refused(SluiceError):
    """A rule of the accounting forbids the step; nothing has changed. The message is the contract's
    own."""


class InvalidInput(SluiceError, ValueError):
    """A file, a table or an argument is not what it has to be; nothing has been sent."""


class ChainMismatch(SluiceError):
    """The chain or the contract is not the one that was recorded; nothing has been sent."""
