"""The exception for mistakes that the user can put right, and the commonest of them."""

from __future__ import annotations

from collections.abc import Collection


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that says what is wrong, where, and what to do about it. Command
    lines print it without a traceback and exit with code 2.
    """


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """See that a value is one of those to choose from.

    Args:
        name: What it is the value of, for the message.
        value: The value.
        choices: The values to choose from.

    Raises:
        InputError: It is none of them.
    """
    if value not in choices:
        raise InputError(f"{name} is '{value}', must be one of {', '.join(choices)}")
