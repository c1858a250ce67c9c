"""What can go wrong that is not the user's mistake (those are `converter.InputError`)."""


class ServerError(RuntimeError):
    """The server failed, refused, or did not answer; the message is one line for the user."""


class Unavailable(Exception):  # noqa: N818 - a state that passes, not an error to report
    """The server could not answer now; the same request may succeed later."""
