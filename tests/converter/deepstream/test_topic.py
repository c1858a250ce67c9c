"""Addresses of Kafka topics."""

from __future__ import annotations

import pytest

from converter import InputError
from converter.deepstream.topic import Topic


def test_an_address_is_taken_apart() -> None:
    topic = Topic.parse("kafka://a:1,b:2/t?client.id=me&sasl.password=a%26b")
    assert topic == Topic("a:1,b:2", "t", {"client.id": "me", "sasl.password": "a&b"})
    assert str(topic) == "topic t of a:1,b:2"


@pytest.mark.parametrize("url", ["kafka://a:1", "kafka://[/t", "kafka:///t", "kafka://a:1/t/u"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Topic.parse(url)
    assert str(caught.value) == f"{url}: must be kafka://HOST:PORT/TOPIC"


def test_a_password_before_the_host_is_not_repeated() -> None:
    with pytest.raises(InputError, match=r"^kafka://a:1: a user cannot .* sasl\.password"):
        Topic.parse("kafka://me:secret@a:1/t")
