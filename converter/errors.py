"""The exception for mistakes that the user can put right."""


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that says what is wrong, where, and what to do about it. Command
    lines print it without a traceback and exit with code 2.
    """
