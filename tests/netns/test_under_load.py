# SPDX-License-Identifier: MIT
"""A flood of handshakes that costs the daemon work: strangers must prove their address by a cookie, those who do are
served, and sessions do not notice. (Who is who: support/hostile.py)"""

import os
import struct
import time
import unittest

from support import main, wait_until
from support.hostile import HostileCases
from support.noise import COOKIE_REPLY, INITIATION, MACS, RESPONSE, add_macs, message_type, open_cookie
from support.noise_peer import drain

FLOOD = 4000  # built beforehand: what makes load is how fast it arrives
INITIATION_SIZE = 148
STICKY = 1.0  # seconds that load lasts after the last sign of it


class UnderLoad(HostileCases, unittest.TestCase):
    mode = "native"

    def setUp(self):
        super().setUp()
        self.connect(self.alice)

    def flood(self) -> list[bytes]:
        """Initiations of nobody: the first mac is right, so that only public-key work tells."""
        return [add_macs(struct.pack("<II", INITIATION, number) + os.urandom(INITIATION_SIZE - 8 - MACS) + bytes(MACS),
                         self.alice.remote) for number in range(FLOOD)]

    def make_load(self) -> None:
        """Floods until the daemon asks for cookies."""
        flood, before = self.flood(), self.node.drops().get("under_load", 0)
        for message in flood:
            self.alice.send(message, by=self.attacker)
        wait_until(lambda: self.node.drops().get("under_load", 0) > before, "the daemon is under load")

    def test_strangers_are_asked_for_a_cookie_and_served_when_they_have_it(self):
        status = self.status(self.alice)
        self.make_load()
        self.alice.ping()  # by a session that is there
        message = self.mallory.initiation()
        self.mallory.send(message)
        reply = self.mallory.receive(COOKIE_REPLY)
        self.assertEqual(len(reply), 64)
        cookie = open_cookie(reply, message, self.mallory.remote)
        wrong = add_macs(self.mallory.initiation(), self.mallory.remote, os.urandom(16))
        self.mallory.send(wrong)
        self.assertEqual(message_type(self.mallory.receive(COOKIE_REPLY)), COOKIE_REPLY)
        elsewhere = add_macs(self.mallory.initiation(), self.mallory.remote, cookie)
        self.mallory.send(elsewhere, by=self.attacker)  # the cookie names the address and the port
        wait_until(lambda: self.node.drops().get("bad_mac2", 0) >= 2, "both are refused")
        self.mallory.send(add_macs(self.mallory.initiation(), self.mallory.remote, cookie))
        self.mallory.session = self.mallory.finish(self.mallory.receive(RESPONSE))
        self.mallory.ping()
        self.alice.ping()
        after = self.status(self.alice)
        self.assertEqual((after.endpoint, after.latest_handshake), (status.endpoint, status.latest_handshake))
        answers = {message_type(answer) for answer in drain(self.attacker)}
        self.assertEqual(answers, {COOKIE_REPLY})

    def test_load_ends_a_second_after_the_flood(self):
        self.make_load()
        end = time.monotonic() + 30

        def is_answered() -> bool:
            self.mallory.wait_for_turn()
            message = self.mallory.initiation()
            self.mallory.send(message)
            answers = wait_until(lambda: drain(self.mallory.socket), "an answer")
            return time.monotonic() < end and message_type(answers[-1]) == RESPONSE

        self.assertFalse(is_answered())
        wait_until(is_answered, "the daemon asks for no more cookies", 10 * STICKY, 0.1)


if __name__ == "__main__":
    main()
