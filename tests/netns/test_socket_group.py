# SPDX-License-Identifier: MIT
"""`wgxdpd --socket-group`: a member of the group who is not root may read, and no more; anybody else not even that.

    a: wgxdp, eth0 ─────────── eth0: b
"""

import grp
import json
import os
import pwd
import stat
import subprocess
import sys
import unittest

from support import Topology, TunnelConfig, Wgxdp, generate_key, main, public_key
from support.host import executable

GROUP = "users"
ASK = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
connection.sendall(sys.stdin.buffer.read())
answer = b""
while not answer.endswith(b"\\n"):
    answer += connection.recv(65536) or b"\\n"
sys.stdout.buffer.write(answer)
"""
CROWD = """
import socket, sys
crowd = [socket.socket(socket.AF_UNIX) for _ in range(33)]
for member in crowd:
    member.connect(sys.argv[1])
print(crowd[-1].recv(65536).decode(), end="", flush=True)
sys.stdin.read()
"""


class SocketGroup(unittest.TestCase):
    def setUp(self):
        topology = self.enterContext(Topology())
        a, _ = topology.underlay()
        self.node = Wgxdp(topology, a)
        self.node.start("--socket-group", GROUP)
        self.key = public_key(generate_key())
        self.node.up(TunnelConfig("wgg", generate_key(), 51820, ["10.7.0.1/24"]))

    def options(self, group: str = GROUP) -> dict:
        """Of a process that is `nobody`, in this group only."""
        return {"user": pwd.getpwnam("nobody").pw_uid, "group": grp.getgrnam(group).gr_gid, "extra_groups": [],
                "cwd": "/"}

    def as_user(self, line: bytes, group: str = GROUP) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-c", ASK, self.node.socket_path], input=line, capture_output=True,
                              timeout=60, check=False, **self.options(group))

    def ask(self, method: str, **params) -> dict:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        asked = self.as_user(json.dumps(request).encode() + b"\n")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        return json.loads(asked.stdout)

    def test_the_socket_belongs_to_root_and_the_group(self):
        status = os.stat(self.node.socket_path)
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid),
                         (0o660, 0, grp.getgrnam(GROUP).gr_gid))

    def test_a_member_may_read(self):
        self.assertEqual([tunnel["name"] for tunnel in self.ask("tunnel.list")["result"]], ["wgg"])
        for method, params in (("peer.list", {"tunnel": "wgg"}), ("nic.list", {}), ("status", {}),
                               ("events.subscribe", {})):
            with self.subTest(method=method):
                self.assertIn("result", self.ask(method, **params))

    def test_a_member_may_change_nothing_and_see_no_secret(self):
        before = self.node.rpc("tunnel.list", include=["private_key"])
        for method, params in (("tunnel.add", {"name": "wgh", "private_key": generate_key()}),
                               ("tunnel.remove", {"name": "wgg"}),
                               ("tunnel.set", {"name": "wgg", "listen_port": 51821}),
                               ("peer.set", {"tunnel": "wgg", "public_key": self.key}),
                               ("peer.remove", {"tunnel": "wgg", "public_key": self.key}),
                               ("nic.attach", {"name": "eth0"}), ("nic.detach", {"name": "eth0"}),
                               ("tunnel.list", {"include": ["private_key"]}),
                               ("peer.list", {"tunnel": "wgg", "include": ["preshared_key"]})):
            with self.subTest(method=method):
                error = self.ask(method, **params)["error"]
                self.assertEqual(error, {"code": -32001, "message":
                                         f"{method}: only root may change something or ask for secrets"})
        self.assertEqual(self.node.rpc("tunnel.list", include=["private_key"]), before)

    def test_a_member_may_send_short_lines_only(self):
        asked = self.as_user(b" " * (64 * 1024 + 1) + b"\n")
        self.assertIn(b"at most 65536 bytes", asked.stdout)

    def test_a_member_may_send_short_batches_only(self):
        batch = [{"jsonrpc": "2.0", "id": number, "method": "status"} for number in range(17)]
        self.assertIn(b"at most 16", self.as_user(json.dumps(batch).encode() + b"\n").stdout)
        self.assertEqual(len(json.loads(self.as_user(json.dumps(batch[:16]).encode() + b"\n").stdout)), 16)

    def test_members_cannot_lock_root_out(self):
        with subprocess.Popen([sys.executable, "-c", CROWD, self.node.socket_path], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, **self.options()) as crowd:
            self.assertIn(b"clients already", crowd.stdout.readline())
            self.assertEqual(len(self.node.rpc("tunnel.list")), 1)
            crowd.stdin.close()

    def test_who_is_not_in_the_group_cannot_connect(self):
        asked = self.as_user(b"", group="nogroup")
        self.assertIn(b"PermissionError", asked.stderr)

    def test_a_group_that_is_not_there_ends_the_start(self):
        refused = self.node.netns.run(executable("wgxdpd"), "--instance",
                                      f"{self.node.instance}-x", "--socket-group", "no such group", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn('--socket-group: expected the name of a group, got "no such group"', refused.stderr)


if __name__ == "__main__":
    main()
