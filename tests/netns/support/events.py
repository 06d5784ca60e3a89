# SPDX-License-Identifier: MIT
"""What a daemon tells a subscriber."""

import json
import socket

from .host import CheckFailed, wait_until


class Events:
    """A connection that has subscribed; close it, or use it with `with`."""

    def __init__(self, socket_path: str, **params):
        self.seen: list[dict] = []
        self._received = b""
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.settimeout(10)
        self._connection.connect(socket_path)
        request = {"jsonrpc": "2.0", "id": 1, "method": "events.subscribe", "params": params}
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        while b"\n" not in self._received:
            self._received += self._connection.recv(1 << 16)
        answer, self._received = self._received.split(b"\n", 1)
        if json.loads(answer).get("result") != {}:
            raise CheckFailed(f"events.subscribe: {answer.decode()}")
        self._connection.setblocking(False)

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    def _read(self) -> None:
        try:
            while part := self._connection.recv(1 << 16):
                self._received += part
        except BlockingIOError:
            pass
        *lines, self._received = self._received.split(b"\n")
        self.seen += [json.loads(line)["params"] for line in lines]

    def find(self, kind: str, **fields) -> dict | None:
        """The first event of this kind with these fields."""
        self._read()
        return next((event for event in self.seen if {"kind": kind, **fields}.items() <= event.items()), None)

    def wait_for(self, kind: str, deadline: float = 20, **fields) -> dict:
        try:
            return wait_until(lambda: self.find(kind, **fields), f"{kind} {fields} is told", deadline)
        except CheckFailed as failure:
            failure.add_note(f"told: {self.seen}")
            raise
