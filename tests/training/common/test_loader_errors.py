"""Messages of the processes that load data."""

from __future__ import annotations

import pytest

from converter import InputError
from training.common.loader_errors import one_line_errors


def test_message_of_a_loading_process_is_one_line() -> None:
    text = "Caught InputError in DataLoader worker process 0.\n...errors.InputError: x.npy: bad\n"
    with pytest.raises(InputError, match=r"^x\.npy: bad$"), one_line_errors():
        raise InputError(text)
