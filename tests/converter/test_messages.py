"""Messages quote what others wrote: it stays text, on one line, and passwords stay secret."""

from __future__ import annotations

import logging

import pytest

from converter.messages import MessageFormatter, presentable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("object \x1b[31mred\x9b\u202e: Küche 走る", "object ?[31mred??: Küche 走る"),
        ("two\nlines\r\nand\u2028more", "two lines and more"),
        ("rtsp://me:se:cr@t@door/1: no such host", "rtsp://***@door/1: no such host"),
        ("rtsp://me:se/c?r#t@door/1: gone", "rtsp://***@door/1: gone"),
        ("rtsp://a:1/user=me_password=x_channel=1: gone", "rtsp://a:1/user=me_password=*** gone"),
        ("http://localhost:8000/a@b, c@d", "http://localhost:8000/a@b, c@d"),
        ("http://[::1]:8000/a@b", "http://[::1]:8000/a@b"),
        (
            "kafka://a:1/t?from=latest&sasl.password=x%20y&ssl.key.password=z&group=g: gone",
            "kafka://a:1/t?from=latest&sasl.password=***&ssl.key.password=***&group=g: gone",
        ),
        (
            "http://a/?PassWd=1&client.secret=2&Token=3 &apiKey=4&token.kind=5",
            "http://a/?PassWd=***&client.secret=***&Token=*** &apiKey=***&token.kind=***",
        ),
        (
            "http://a?mail=me@home and http://b#me@home",
            "http://a?mail=me@home and http://b#me@home",
        ),
    ],
)
def test_what_a_message_may_not_show(text: str, shown: str) -> None:
    assert presentable(text) == shown
    record = logging.LogRecord("name", logging.INFO, "", 0, "%s", (text,), None)
    assert MessageFormatter("%(levelname)s: %(message)s").format(record) == f"INFO: {shown}"
