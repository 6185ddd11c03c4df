"""A TCP proxy that misbehaves on demand: for what networks do to answers that matter.

    with FaultProxy("127.0.0.1", port) as proxy:
        settings.STRIPE_API_BASE = proxy.url
        proxy.arm(Cut(after=17), marker=b"POST /v1/refunds", times=2)
        ...
        assert proxy.struck == 2

Without an armed fault everything passes. A fault strikes the connection on which its marker was sent, from that moment
on: the request itself still reaches the server in full, so that the server acts and only its answer suffers.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Cut:
    """Pass `after` bytes of the answer, then close."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """Pass `after` bytes of the answer, then reset the connection (RST instead of FIN)."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Delay:
    """Hold the answer back for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Swallow the answer and keep the connection open."""


@dataclass(frozen=True, slots=True)
class Drip:
    """Pass the answer byte by byte, with a pause of `seconds` before each."""

    seconds: float


Fault = Cut | Reset | Delay | BlackHole | Drip


@dataclass(slots=True)
class _Armed:
    fault: Fault
    marker: bytes
    times: int


class FaultProxy:
    """Listens on a port of its own on 127.0.0.1 and speaks to `host`:`port`. Thread-safe."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._open: set[socket.socket] = set()
        self._stopping = False
        self.struck = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def arm(self, fault: Fault, *, marker: bytes = b"", times: int = 1) -> None:
        """Let `fault` strike the next `times` connections on which `marker` is sent."""
        with self._lock:
            self._armed.append(_Armed(fault, marker, times))

    def disarm(self) -> None:
        with self._lock:
            self._armed.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping = True
        self._listener.close()
        with self._lock:
            for each in self._open:
                _end(each)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                return
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            _Connection(self, client, server).start()

    def _strikes(self, sent: bytes) -> Fault | None:
        with self._lock:
            for armed in self._armed:
                if armed.marker in sent:
                    armed.times -= 1
                    if armed.times == 0:
                        self._armed.remove(armed)
                    self.struck += 1
                    return armed.fault
        return None

    def _forget(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open -= set(sockets)


class _Connection:
    """One client and its way to the server: a pump for each direction."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.fault: Fault | None = None
        self.passed = 0
        self.left = threading.Event()

    def start(self) -> None:
        for pump in (self._requests, self._answers):
            threading.Thread(target=pump, daemon=True).start()

    def _requests(self) -> None:
        with contextlib.suppress(OSError):
            while sent := self.client.recv(CHUNK):
                if self.fault is None:
                    self.fault = self.proxy._strikes(sent)
                    self.passed = 0
                self.server.sendall(sent)
        self.left.set()
        _end(self.server)

    def _answers(self) -> None:
        with contextlib.suppress(OSError):
            while got := self.server.recv(CHUNK):
                if not self._pass(got):
                    break
        _end(self.client)
        _end(self.server)
        self.proxy._forget(self.client, self.server)

    def _pass(self, got: bytes) -> bool:
        """Hand on what the fault lets through; False when the connection is to end."""
        match self.fault:
            case Cut(after) | Reset(after):
                left = max(0, after - self.passed)
                self.client.sendall(got[:left])
                self.passed += len(got)
                if self.passed < after:
                    return True
                if isinstance(self.fault, Reset):
                    self._reset()
                return False
            case Delay(seconds):
                time.sleep(seconds)
                self.fault = None
                self.client.sendall(got)
            case Drip(seconds):
                for byte in got:
                    time.sleep(seconds)
                    self.client.sendall(bytes((byte,)))
            case BlackHole():
                pass
            case None:
                self.client.sendall(got)
        return True

    def _reset(self) -> None:
        """Only the last holder of a socket resets it, so the other pump is woken from its reading first."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.shutdown(socket.SHUT_RD)
        self.left.wait(1)
        self.client.close()


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        each.close()
