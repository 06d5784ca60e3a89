# SPDX-License-Identifier: MIT
"""More handshakes than the daemon can answer: whoever wants an answer must first show with a cookie that he is where he
says, and gets few. (Who is who: support/hostile.py)"""

import os
import signal
import unittest
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from support import CheckFailed, main, wait_until
from support.hostile import HostileCases, for_each_mode
from support.noise import COOKIE_REPLY, RESPONSE, Noise, add_macs, index_at, message_type, open_cookie
from support.noise_peer import drain

BURST = 1500  # messages that cost a key exchange each; 512 of them that wait are load
TRIES = 3  # load is over after a second, which a busy machine may need for something else
AGAIN = 30  # initiations with a good cookie at once: 5 are let in, then 20 a second


class Load(HostileCases):
    def setUp(self):
        super().setUp()
        wait_until(self.is_calm, "the load of the last test is over")
        self.connect(self.alice, self.mallory)
        self.node_key = self.alice.remote
        self.stranger = Noise(self.node_key).initiation()

    def is_calm(self) -> bool:
        self.alice.wait_for_turn()
        self.alice.send(self.alice.initiation())
        self.handled()
        return RESPONSE in map(message_type, drain(self.alice.socket))

    @contextmanager
    def stopped_daemon(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def load(self) -> None:
        """All at once, however fast the daemon is: it is stopped while they are sent."""
        with self.stopped_daemon():
            self.alice.send(*[self.stranger] * BURST, by=self.attacker)

    def answer_without_daemon(self) -> bytes | None:
        """To an initiation under load, while the daemon stands still."""
        before = self.node.drops().get("under_load", 0)
        self.load()
        wait_until(lambda: self.node.drops().get("under_load", 0) > before, "there is load")
        with self.stopped_daemon():
            drain(self.alice.socket)
            self.alice.send(self.alice.initiation())
            try:
                return self.alice.receive(COOKIE_REPLY, 0.5)
            except CheckFailed:
                return None

    def cookie(self, peer) -> tuple[bytes, bytes]:
        """An initiation of the peer that was answered with a cookie, and the cookie."""
        initiation = peer.initiation()
        self.load()
        peer.send(initiation)
        reply = peer.receive(COOKIE_REPLY)
        self.assertEqual((len(reply), index_at(reply, 4)), (64, index_at(initiation, 4)))
        return initiation, open_cookie(reply, initiation, self.node_key)

    def test_an_initiation_with_a_cookie_is_answered_under_load(self):
        before = self.node.drops()
        initiation, cookie = self.cookie(self.alice)
        self.load()
        self.alice.send(add_macs(initiation, self.node_key, cookie))
        self.alice.session = self.alice.finish(self.alice.receive_response())
        self.alice.ping()
        self.mallory.ping()
        self.handled()
        dropped = self.drops_since(before)
        self.assertGreater(dropped.pop("under_load"), 0)
        self.assertLessEqual(set(dropped), {"unknown_peer", "bad_type"})
        answers = Counter(map(message_type, drain(self.attacker)))
        self.assertEqual(set(answers), {COOKIE_REPLY})
        self.assertLess(answers[COOKIE_REPLY], 2 * BURST)

    def test_on_an_attached_nic_programs_give_the_cookies(self):
        tries = [self.answer_without_daemon() is not None for _ in range(TRIES)]
        self.assertEqual(any(tries), self.mode is not None, tries)
        self.handled()
        self.alice.ping()
        self.mallory.ping()

    def test_a_cookie_is_good_only_where_it_was_sent_to(self):
        initiation, cookie = self.cookie(self.alice)
        before = self.node.drops().get("bad_mac2", 0)
        mallorys = add_macs(self.mallory.initiation(), self.node_key, cookie)
        for message, by in ((add_macs(initiation, self.node_key, cookie), self.attacker), (mallorys, None)):
            self.load()
            self.mallory.send(message, by=by)
        self.mallory.receive(COOKIE_REPLY)
        self.handled()
        self.assertEqual(self.node.drops()["bad_mac2"], before + 2)
        self.assertEqual(set(map(message_type, drain(self.attacker))), {COOKIE_REPLY})
        self.assertEqual(drain(self.mallory.socket), [])
        self.alice.ping()
        self.mallory.ping()

    def test_an_address_with_a_cookie_is_still_let_in_only_so_often(self):
        _, cookie = self.cookie(self.mallory)
        before = self.node.drops().get("rate_limited", 0)
        again = [add_macs(self.mallory.initiation(), self.node_key, cookie) for _ in range(AGAIN)]
        self.load()
        self.mallory.send(*again)
        wait_until(lambda: self.node.drops().get("rate_limited", 0) - before >= AGAIN // 2, "most are refused")
        self.handled()
        self.assertLess(len(drain(self.mallory.socket)), AGAIN // 2)
        self.alice.ping()
        self.mallory.ping()


globals().update(for_each_mode(Load, unittest.TestCase))

if __name__ == "__main__":
    main()
