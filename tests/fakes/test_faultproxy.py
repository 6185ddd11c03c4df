"""The proxy that misbehaves does so only when told, and exactly as told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.faultproxy import BlackHole, Cut, Delay, Drip, FaultProxy, Reset

ANSWER = b"0123456789" * 10


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """In front of a server that answers every request with a hundred bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                wire, _address = listener.accept()
            except OSError:
                return
            with wire:
                while wire.recv(1000):
                    wire.sendall(ANSWER)

    threading.Thread(target=serve, daemon=True).start()
    with FaultProxy("127.0.0.1", listener.getsockname()[1]) as running:
        yield running
    listener.close()


def ask(proxy: FaultProxy, request: bytes = b"hello", *, patience: float = 2) -> bytes:
    """What arrives of the answer until the connection ends or patience does."""
    got = b""
    host, port = proxy.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=patience) as wire:
        wire.sendall(request)
        while len(got) < len(ANSWER) and (piece := wire.recv(1000)):
            got += piece
    return got


def test_without_a_fault_everything_passes(proxy: FaultProxy) -> None:
    assert ask(proxy) == ANSWER
    assert proxy.struck == 0


@pytest.mark.parametrize("after", [0, 1, 99])
def test_an_answer_is_cut_at_the_byte(proxy: FaultProxy, after: int) -> None:
    proxy.arm(Cut(after))

    assert ask(proxy) == ANSWER[:after]
    assert ask(proxy) == ANSWER, "a fault strikes as often as it was armed"


def test_a_reset_is_a_reset(proxy: FaultProxy) -> None:
    proxy.arm(Reset(0))
    began = time.monotonic()

    with pytest.raises(ConnectionResetError):
        ask(proxy, patience=10)
    assert time.monotonic() - began < 8, "it came at once, not when patience ended"


def test_a_delay_and_a_black_hole_are_told_apart_by_waiting(proxy: FaultProxy) -> None:
    proxy.arm(Delay(0.2))
    assert ask(proxy) == ANSWER
    proxy.arm(BlackHole())
    with pytest.raises(TimeoutError):
        ask(proxy, patience=0.3)


def test_a_drip_takes_its_time_for_each_byte(proxy: FaultProxy) -> None:
    proxy.arm(Drip(0.002))
    began = time.monotonic()

    assert ask(proxy) == ANSWER
    assert time.monotonic() - began >= 0.2, "a hundred bytes, two milliseconds each"


def test_only_the_marked_request_suffers(proxy: FaultProxy) -> None:
    proxy.arm(Cut(0), marker=b"POST")

    assert ask(proxy, b"GET") == ANSWER
    assert ask(proxy, b"POST") == b""
    assert proxy.struck == 1
