# SPDX-License-Identifier: MIT
"""Handshake messages that are replayed, forged, cut, unexpected or too many: each is dropped for its reason, and
sessions go on. (Who is who: support/hostile.py)"""

import os
import time
import unittest
from collections import Counter

from support import main, wait_until
from support.hostile import HostileCases, for_each_mode
from support.noise import (COOKIE_REPLY, INITIATION, RESPONSE, Noise, Session, add_macs, cookie_reply, index_at,
                           low_order_points, message_type, set_index, with_bytes)
from support.noise_peer import SINK_PORT, drain
from support.pair import endpoint
from support.traffic import SLOWNESS

FLOOD_SECONDS, FLOOD_RATE, ACCEPTED_RATE = 2, 1000 // SLOWNESS, 50
STALE = (0.0, 1e-6, 1.0, 86400.0, 1e9)  # seconds before the last timestamp
SENDER, RECEIVER = 4, 8  # where the indices of a response are


def cut(message: bytes) -> list[bytes]:
    """All its beginnings, and a little more than all of it."""
    return [message[:length] for length in range(len(message))] + [message + bytes(more) for more in (1, 16, 1300)]


def reason(message: bytes) -> str:
    """Why a handshake message of a wrong length is dropped."""
    return "bad_type" if len(message) < 4 else "bad_length"


class Initiations(HostileCases):
    """Alice has a session; the node is the responder."""

    def setUp(self):
        super().setUp()
        self.connect(self.alice, self.mallory)

    def changed(self, message: bytes, *areas: range) -> list[bytes]:
        """The message with any byte of these areas changed, and the macs that go with it."""
        return [add_macs(with_bytes(message, at, bytes([message[at] ^ 0x80])), self.alice.remote)
                for area in areas for at in area]

    def check_answered(self, message: bytes) -> Session:
        """The last initiation of Alice is still good."""
        self.alice.wait_for_turn()
        self.alice.send(message)
        self.alice.session = self.alice.finish(self.alice.receive_response())
        self.alice.ping()
        return self.alice.session

    def test_replayed_initiations_are_dropped_whoever_sends_them(self):
        message = self.alice.initiate()
        self.alice.session = self.alice.finish(self.alice.receive_response())
        self.alice.ping()
        self.known(self.alice)
        for by in (None, self.attacker, self.mallory.socket):
            with self.harmless(replayed_timestamp=1):
                self.alice.send(message, by=by)

    def test_timestamps_must_be_new(self):
        now = time.time() + 1
        self.alice.connect(at=now)
        self.alice.ping()
        self.known(self.alice)
        stale = [self.alice.initiation(at=now - back) for back in STALE]
        with self.harmless(replayed_timestamp=len(stale)):
            self.alice.send(*stale)
        self.alice.connect(at=now + 0.1)
        self.alice.ping()

    def test_initiations_of_a_wrong_length_are_dropped(self):
        message = self.alice.initiation()
        wrong = cut(message)
        with self.harmless(**Counter(map(reason, wrong))):
            self.send_all(self.alice, wrong)
        self.check_answered(message)

    def test_reserved_bytes_must_be_zero(self):
        message = self.alice.initiation()
        wrong = [add_macs(with_bytes(message, at, b"\1"), self.alice.remote) for at in (1, 2, 3)]
        with self.harmless(bad_type=len(wrong)):
            self.alice.send(*wrong)
        self.check_answered(message)

    def test_changed_initiations_are_dropped(self):
        message = self.alice.initiation()
        unsigned = [with_bytes(message, at, bytes([message[at] ^ 1])) for at in range(4, len(message) - 16)]
        with self.harmless(bad_mac1=len(unsigned)):
            self.send_all(self.alice, unsigned)
        signed = self.changed(message, range(8, 116))
        with self.harmless(bad_handshake=len(signed)):
            self.send_all(self.alice, signed, by=self.attacker)
        self.check_answered(message)

    def test_initiations_of_strangers_are_not_answered(self):
        stranger, elsewhere = Noise(self.alice.remote), Noise(os.urandom(32))
        claims_to_be_alice = stranger.initiation(static_public=self.alice.public)
        for_another = elsewhere.initiation()
        with self.harmless(unknown_peer=1, bad_handshake=2, bad_mac1=1):
            self.alice.send(stranger.initiation(), claims_to_be_alice, for_another,
                            add_macs(for_another, self.alice.remote), by=self.attacker)

    def test_keys_of_low_order_are_refused(self):
        points = low_order_points()
        with self.harmless(bad_handshake=len(points)):
            self.alice.send(*(self.alice.initiation(ephemeral_public=point) for point in points))
        statics = [self.mallory.initiation(static_public=point) for point in points]
        with self.harmless(unknown_peer=len(statics)):
            self.mallory.send(*statics)
        for point in points:
            self.set_peer(point, self.config)
        with self.harmless(bad_handshake=len(statics)):
            self.mallory.send(*statics)

    def test_any_index_of_the_sender_is_answered(self):
        """It names nothing of ours, so there is no wrong one: not even that of another peer."""
        for index in (0, 2**32 - 1, self.mallory.session.local_index, self.mallory.session.remote_index):
            self.alice.initiate(index=index)
            self.alice.session = self.alice.finish(self.alice.receive_response())
            self.assertEqual(self.alice.session.local_index, index)
            self.alice.ping()
            self.mallory.ping()

    def test_mac2_is_not_looked_at_without_load(self):
        message = self.alice.initiation()
        self.check_answered(message[:-16] + os.urandom(16))

    def test_an_initiation_moves_the_endpoint_once(self):
        home = self.status(self.alice).endpoint
        message = self.alice.initiation()
        self.alice.wait_for_turn()
        self.alice.send(message, by=self.attacker)
        there = endpoint(*self.attacker.getsockname()[:2])
        answers = wait_until(lambda: drain(self.attacker), "an answer")
        self.assertEqual([message_type(answer) for answer in answers], [RESPONSE])
        self.assertEqual(self.status(self.alice).endpoint, there)
        self.alice.connect()
        self.alice.ping()
        self.known(self.alice)
        self.assertEqual(self.status(self.alice).endpoint, home)
        with self.harmless(replayed_timestamp=1):
            self.alice.send(message, by=self.attacker)

    def lost_at_the_socket(self) -> int:
        return self.a.counter("UdpRcvbufErrors" if self.outer == 4 else "Udp6RcvbufErrors")

    def test_a_flood_of_a_peer_is_answered_50_times_a_second_and_disturbs_nobody(self):
        begin = time.time()
        flood = [self.mallory.initiation(at=begin + number / FLOOD_RATE)
                 for number in range(1, FLOOD_SECONDS * FLOOD_RATE + 1)]
        before, lost = self.node.drops(), self.lost_at_the_socket()
        start = due = time.monotonic()
        for number, message in enumerate(flood):
            self.mallory.send(message)
            if number % 100 == 0:
                self.alice.ping()
                asked = time.monotonic()
                self.node.status()
                self.assertLess(time.monotonic() - asked, 1, "the daemon does not answer")
            due = max(due + 1 / FLOOD_RATE, time.monotonic())  # what was missed is not made up in a burst: a veth's
            time.sleep(max(0.0, due - time.monotonic()))  # queue could not hold it
        self.handled()
        elapsed = time.monotonic() - start
        answers, refused = Counter(), {}

        def all_counted() -> bool:
            nonlocal refused
            answers.update(map(message_type, drain(self.mallory.socket)))
            refused = self.drops_since(before)
            refused.pop("bad_type")  # of handled()
            lost_now = self.lost_at_the_socket() - lost  # by a machine that is too busy
            return sum(refused.values()) + answers[RESPONSE] + lost_now == len(flood)

        wait_until(all_counted, "every initiation is answered or dropped for a reason")
        self.assertLessEqual(set(answers), {RESPONSE, COOKIE_REPLY})  # the latter when this machine is too busy
        self.assertLessEqual(answers[RESPONSE], elapsed * ACCEPTED_RATE + 1)
        self.assertGreater(answers[RESPONSE], elapsed)
        # several threads read initiations: one may come behind the next
        self.assertLessEqual(set(refused), {"initiation_flood", "replayed_timestamp", "under_load"})
        self.mallory.ping()  # by the session it had before
        self.mallory.connect(at=begin + 2 * FLOOD_SECONDS)
        self.mallory.ping()


class Answers(HostileCases):
    """The node initiates to Alice, who has no session yet: responses and cookie replies."""

    def setUp(self):
        super().setUp()
        self.connect(self.mallory)
        with self.c.socket(self.sinks[0].family, self.sinks[0].type) as sender:
            sender.sendto(b"staged", (self.alice.inner[4], SINK_PORT))
        self.initiation = self.alice.receive(INITIATION)

    def check_accepted(self, response: bytes, session: Session) -> None:
        """The node takes it, and sends what was staged."""
        self.alice.session = session
        self.alice.send(response)
        self.alice.confirmed()
        self.alice.ping()
        self.known(self.alice)

    def test_responses_that_are_replayed_are_dropped(self):
        response, session = self.alice.response(self.initiation)
        self.check_accepted(response, session)
        for by in (None, self.attacker, self.mallory.socket):
            with self.harmless(unexpected_response=1):
                self.alice.send(response, by=by)

    def test_responses_to_nothing_are_dropped(self):
        response, session = self.alice.response(self.initiation)
        waiting = index_at(self.initiation, 4)
        indices = [waiting ^ 1 << bit for bit in range(32)] + [0, 2**32 - 1, self.mallory.session.remote_index]
        wrong = [add_macs(set_index(response, RECEIVER, index), self.alice.remote) for index in indices]
        with self.harmless(self.mallory, unexpected_response=len(wrong)):
            self.alice.send(*wrong)
        self.check_accepted(response, session)

    def test_changed_responses_are_dropped(self):
        response, session = self.alice.response(self.initiation)
        unsigned = [with_bytes(response, at, bytes([response[at] ^ 1])) for at in range(4, len(response) - 16)]
        with self.harmless(self.mallory, bad_mac1=len(unsigned)):
            self.send_all(self.alice, unsigned)
        signed = [add_macs(with_bytes(response, at, bytes([response[at] ^ 0x80])), self.alice.remote)
                  for at in range(12, 60)]
        with self.harmless(self.mallory, bad_handshake=len(signed)):
            self.send_all(self.alice, signed, by=self.attacker)
        self.check_accepted(response, session)

    def test_responses_of_a_wrong_length_or_type_are_dropped(self):
        response, session = self.alice.response(self.initiation)
        wrong = cut(response)
        reserved = [add_macs(with_bytes(response, at, b"\1"), self.alice.remote) for at in (1, 2, 3)]
        with self.harmless(self.mallory, **Counter(map(reason, wrong)) + Counter(bad_type=len(reserved))):
            self.send_all(self.alice, wrong + reserved)
        self.check_accepted(response, session)

    def test_responses_with_a_key_of_low_order_are_refused(self):
        wrong = [self.alice.response(self.initiation, ephemeral_public=point)[0] for point in low_order_points()]
        with self.harmless(self.mallory, bad_handshake=len(wrong)):
            self.alice.send(*wrong)
        self.check_accepted(*self.alice.response(self.initiation))

    def bad_cookies(self, cookie: bytes) -> list[bytes]:
        """Cookie replies that are not for the initiation, or not by Alice."""
        good = cookie_reply(self.initiation, self.alice.public, cookie)
        return [cookie_reply(self.initiation, self.alice.public, cookie, mac1=os.urandom(16)),
                cookie_reply(self.initiation, self.mallory.public, cookie),
                cookie_reply(self.initiation, self.alice.remote, cookie),
                set_index(good, 4, index_at(good, 4) ^ 1),
                set_index(good, 4, self.mallory.session.remote_index),
                *(with_bytes(good, at, bytes([good[at] ^ 1])) for at in range(8, len(good)))]

    def test_cookies_are_taken_once_and_only_for_the_message_that_waits(self):
        cookie = os.urandom(16)
        good = cookie_reply(self.initiation, self.alice.public, cookie)
        wrong, lengths = self.bad_cookies(os.urandom(16)), cut(good)
        reserved = [with_bytes(good, at, b"\1") for at in (1, 2, 3)]
        counts = Counter(map(reason, lengths)) + Counter(bad_cookie=len(wrong) + 1, bad_type=len(reserved))
        with self.harmless(self.mallory, **counts):
            self.send_all(self.alice, wrong + lengths + reserved, by=self.attacker)
            self.alice.send(good, by=self.attacker)  # whoever sends it: it neither moves nor hurries anybody
            self.alice.send(cookie_reply(self.initiation, self.alice.public, os.urandom(16)))
        retry = self.alice.receive(INITIATION)
        self.assertEqual((self.initiation[-16:], retry), (bytes(16), add_macs(retry, self.alice.public, cookie)))
        with self.harmless(self.mallory, bad_cookie=1):
            self.alice.send(good)
        self.check_accepted(*self.alice.response(retry))

    def test_cookies_for_nobody_are_dropped(self):
        """Unsolicited: no handshake waits, and what was sent last is not known."""
        self.check_accepted(*self.alice.response(self.initiation))
        late = [cookie_reply(self.initiation, self.alice.public, os.urandom(16), index=index, mac1=os.urandom(16))
                for index in (0, self.alice.session.remote_index, self.mallory.session.remote_index)]
        self.assertEqual({message_type(message) for message in late}, {COOKIE_REPLY})
        with self.harmless(self.alice, self.mallory, bad_cookie=len(late)):
            self.alice.send(*late, by=self.attacker)


globals().update(for_each_mode(Initiations, unittest.TestCase) | for_each_mode(Answers, unittest.TestCase))

if __name__ == "__main__":
    main()
