#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows the peers of every tunnel, then what happens to them. Needs nothing but Python.

    watch.py [/run/wgxdp/default.sock]
"""

import json
import socket
import sys
import time


class Daemon:
    """A connection to wgxdpd: requests and their answers, and events once subscribed."""

    def __init__(self, path: str):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        self._lines = connection.makefile("rw", encoding="utf-8")
        self._id = 0

    def ask(self, method: str, **params):
        """The result of a method; what the daemon says against it is an exception."""
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()
        for line in self._lines:
            answer = json.loads(line)
            if answer.get("id") == self._id:  # anything else is an event
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                return answer["result"]
        raise ConnectionError("the daemon has ended")

    def events(self):
        """Waits for each event, for ever."""
        for line in self._lines:
            yield json.loads(line)["params"]


def main() -> None:
    daemon = Daemon(sys.argv[1] if len(sys.argv) > 1 else "/run/wgxdp/default.sock")
    for tunnel in daemon.ask("tunnel.list"):
        for peer in tunnel["peers"]:
            print(f"{tunnel['name']}: {peer.get('name', peer['public_key'])} at {peer['endpoint'] or 'no endpoint'}, "
                  f"{peer['rx_bytes']} bytes received, {peer['tx_bytes']} sent", flush=True)
    daemon.ask("events.subscribe")
    for event in daemon.events():
        when = time.strftime("%H:%M:%S", time.localtime(event.pop("time_ms") / 1000))
        print(when, event.pop("kind"), " ".join(f"{name}={value}" for name, value in event.items()), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
