"""What `Producer` says is published is in the stream; what is not, is named. On a real Valkey."""

from __future__ import annotations

import json
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from tradespace import ConnectionFailed, InvalidInputError, Producer, RefusedError, Result

Published = Callable[[], list[dict[str, Any]]]


def results(count: int) -> list[Result]:
    return [Result(12, {"accuracy": number / count}, suggestion=number + 1) for number in range(count)]


def test_a_published_result_is_in_the_stream_under_the_id_that_is_returned(valkey: Any, published: Published) -> None:
    with Producer(valkey.url) as producer:
        result_id = producer.publish(12, {"accuracy": 0.91, "latency_ms": (12.4, 0.3)}, suggestion="7")
        failed_id = producer.publish("12", assignments={"depth": 4}, failed=True, result_id="mine")
    assert failed_id == "mine"
    assert published() == [
        {
            "experiment": "12",
            "suggestion": "7",
            "values": [
                {"name": "accuracy", "value": 0.91},
                {"name": "latency_ms", "value": 12.4, "value_stddev": 0.3},
            ],
            "result_id": result_id,
        },
        {"experiment": "12", "assignments": {"depth": 4}, "failed": True, "result_id": "mine"},
    ]


def test_many_results_arrive_in_order_in_more_than_one_round_trip(valkey: Any, published: Published) -> None:
    with Producer(valkey.url) as producer:
        ids = producer.publish_many(iter(results(1234)))
    assert [message["result_id"] for message in published()] == ids
    assert len(set(ids)) == 1234


def test_nothing_is_sent_if_one_of_many_is_not_valid(valkey: Any, published: Published) -> None:
    def some() -> Iterator[Result]:
        yield from results(3)
        yield Result(12, {"accuracy": float("nan")}, suggestion=7)

    with Producer(valkey.url) as producer, pytest.raises(InvalidInputError, match=r"values\.accuracy"):
        producer.publish_many(some())
    assert published() == []


def test_another_stream_may_be_named(valkey: Any, store: redis.Redis) -> None:
    with Producer(valkey.url, stream="staging:results") as producer:
        producer.publish(12, {"accuracy": 0.9}, suggestion=7)
    assert store.xlen("staging:results") == 1


def test_one_producer_serves_several_threads(valkey: Any, published: Published) -> None:
    with Producer(valkey.url) as producer, ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda n: producer.publish(12, {"accuracy": n}, suggestion=n), range(1, 201)))
    assert sorted(message["result_id"] for message in published()) == sorted(ids)


def test_a_result_published_while_the_server_is_dead_arrives_when_it_is_back(valkey: Any, published: Published) -> None:
    with Producer(valkey.url) as producer, ThreadPoolExecutor(1) as pool:
        producer.publish(12, {"accuracy": 0.1}, suggestion=1, result_id="before")
        valkey.kill()
        waiting = pool.submit(producer.publish, 12, {"accuracy": 0.2}, suggestion=2, result_id="after")
        valkey.start()
        assert waiting.result() == "after"
    assert [message["result_id"] for message in published()] == ["before", "after"]


def test_no_result_is_missing_when_the_server_is_killed_amid_many(
    valkey: Any, store: redis.Redis, published: Published
) -> None:
    with Producer(valkey.url) as producer, ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(producer.publish_many, results(20_000))
        while store.xlen("tradespace:results") < 2000:
            assert not publishing.done()
        valkey.kill()
        valkey.start()
        ids = publishing.result()
    assert set(ids) == {message["result_id"] for message in published()}


class Cutter:
    """Stands before a server and cuts the connection when the first answer to an XADD comes: it never arrives."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._relay, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _relay(self, client: socket.socket) -> None:
        """Speak by turns, as this client does: what it sends, then what the server answers."""
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            while request := client.recv(1 << 20):
                server.sendall(request)
                reply = server.recv(1 << 20)
                if b"XADD" in request and self.cuts == 0:
                    self.cuts += 1
                    return
                client.sendall(reply)


def test_a_result_whose_confirmation_is_lost_is_sent_again_under_the_same_id(valkey: Any, published: Published) -> None:
    cutter = Cutter(valkey.port)
    with Producer(f"redis://127.0.0.1:{cutter.port}/0") as producer:
        result_id = producer.publish(12, {"accuracy": 0.9}, suggestion=7)
    cutter.close()
    assert cutter.cuts == 1
    assert [message["result_id"] for message in published()] == [result_id, result_id]
    assert published()[0] == published()[1]


def test_when_nobody_answers_the_error_names_what_is_not_confirmed_and_holds_no_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://:canary@127.0.0.1:{unused.getsockname()[1]}/0"
        many = results(600)
        with Producer(url, timeout=1) as producer, pytest.raises(ConnectionFailed) as caught:
            producer.publish_many(many)
    assert caught.value.unconfirmed == tuple(result.result_id for result in many)
    assert caught.value.attempts > 1
    assert "600 result(s)" in str(caught.value)
    assert "canary" not in f"{caught.value!r} {caught.value} {caught.value.__cause__} {producer!r}"
    assert pickle.loads(pickle.dumps(caught.value)).unconfirmed == caught.value.unconfirmed


def test_a_frozen_server_is_given_up_in_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and never answers
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        with Producer(url, timeout=0.3) as producer, pytest.raises(ConnectionFailed, match="not confirmed"):
            producer.publish(12, {"accuracy": 0.9}, suggestion=7)


def test_a_full_server_is_tried_again_and_takes_the_result_when_there_is_room(
    valkey: Any, store: redis.Redis, published: Published
) -> None:
    store.config_set("maxmemory", 1)
    try:
        with (
            Producer(valkey.url, timeout=1) as producer,
            pytest.raises(ConnectionFailed, match="maxmemory") as caught,
        ):
            producer.publish(12, {"accuracy": 0.9}, suggestion=7, result_id="mine")
        assert caught.value.attempts > 1
    finally:
        store.config_set("maxmemory", 0)
    with Producer(valkey.url) as producer:
        producer.publish(12, {"accuracy": 0.9}, suggestion=7, result_id=caught.value.unconfirmed[0])
    assert [message["result_id"] for message in published()] == ["mine"]


def test_a_user_who_may_not_publish_is_told_so_at_once(valkey: Any, store: redis.Redis) -> None:
    store.execute_command("ACL", "SETUSER", "reader", "on", ">canary", "~*", "+ping", "+xlen")
    try:
        url = f"redis://reader:canary@127.0.0.1:{valkey.port}/0"
        with Producer(url) as producer, pytest.raises(RefusedError, match="permissions") as caught:
            producer.publish(12, {"accuracy": 0.9}, suggestion=7, result_id="mine")
        assert caught.value.unconfirmed == ("mine",)
        assert "canary" not in f"{caught.value} {caught.value.__cause__}"
        wrong = f"redis://reader:canary2@127.0.0.1:{valkey.port}/0"
        with Producer(wrong) as producer, pytest.raises(RefusedError) as caught:
            producer.publish(12, {"accuracy": 0.9}, suggestion=7)
        assert "canary" not in f"{caught.value} {caught.value.__cause__}"
    finally:
        store.execute_command("ACL", "DELUSER", "reader")


def test_xadd_on_the_stream_is_all_that_a_producer_needs_to_be_allowed(valkey: Any, store: redis.Redis) -> None:
    store.execute_command("ACL", "SETUSER", "producer", "on", ">canary", "~tradespace:results", "+xadd")
    try:
        with Producer(f"redis://producer:canary@127.0.0.1:{valkey.port}/0") as producer:
            producer.publish_many(results(3))
    finally:
        store.execute_command("ACL", "DELUSER", "producer")
    assert store.xlen("tradespace:results") == 3


def test_a_key_of_another_type_is_an_error_at_once(valkey: Any, store: redis.Redis) -> None:
    store.set("tradespace:results", "a text")
    with Producer(valkey.url) as producer, pytest.raises(RefusedError, match="WRONGTYPE"):
        producer.publish(12, {"accuracy": 0.9}, suggestion=7)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://x", "redis://:pass/canary@host:1/0", None])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"redis_url: expected redis://HOST") as caught:
        Producer(url)
    assert "canary" not in str(caught.value)
    assert "pass" not in str(caught.value)


def test_names_beyond_ascii_arrive_as_they_were(valkey: Any, published: Published) -> None:
    with Producer(valkey.url) as producer:
        producer.publish(12, {"précision": 0.9}, assignments={"família": "árvore 🌲"})
    assert published()[0]["assignments"] == {"família": "árvore 🌲"}
    assert json.dumps(published()[0]["values"], ensure_ascii=False) == '[{"name": "précision", "value": 0.9}]'
