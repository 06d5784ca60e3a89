# SPDX-License-Identifier: MIT
"""WireGuard's messages made by hand (whitepaper, section 5.4), by a sender that may lie: whatever an honest one would
fill in can be given instead, and what follows from it is computed as if it were true."""

import hashlib
import hmac
import os
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import (crypto_aead_xchacha20poly1305_ietf_decrypt,
                           crypto_aead_xchacha20poly1305_ietf_encrypt)

INITIATION, RESPONSE, COOKIE_REPLY, TRANSPORT_DATA = 1, 2, 3, 4
SIZES = {INITIATION: 148, RESPONSE: 92, COOKIE_REPLY: 64}
DATA_HEADER, TAG, MACS = 16, 16, 32
CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
TAI64_OF_1970 = 0x400000000000000A


def blake2s(data: bytes, key: bytes = b"", size: int = 32) -> bytes:
    return hashlib.blake2s(data, key=key, digest_size=size).digest()


def public_bytes(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def shared_secret(private: X25519PrivateKey, public: bytes) -> bytes:
    """X25519; with a public key of low order the zeros that it gives, where an honest end stops."""
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return bytes(32)


def tai64n(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack(">QI", TAI64_OF_1970 + whole, int((seconds - whole) * 1e9))


def low_order_points() -> list[bytes]:
    """Public keys with which X25519 gives zeros whatever the private key (cr.yp.to/ecdh.html), in all their forms."""
    prime = 2**255 - 19
    order_8 = (325606250916557431795983626356110631294008115727848805560023387167927233504,
               39382357235489614581723060781553021112529911719440698176882885853963445705823)
    values = (0, 1, *order_8, prime - 1, prime, prime + 1)
    return [(value | top).to_bytes(32, "little") for value in values for top in (0, 1 << 255)]


def message_type(message: bytes) -> int:
    return int.from_bytes(message[:4], "little")


def with_bytes(message: bytes, offset: int, value: bytes) -> bytes:
    return message[:offset] + value + message[offset + len(value):]


def set_index(message: bytes, offset: int, index: int) -> bytes:
    """The message with another value at the offset of an index."""
    return with_bytes(message, offset, struct.pack("<I", index))


def index_at(message: bytes, offset: int) -> int:
    return int.from_bytes(message[offset:offset + 4], "little")


def add_macs(message: bytes, receiver: bytes, cookie: bytes | None = None) -> bytes:
    """The handshake message with its two macs made (anew)."""
    body = message[:-MACS]
    body += blake2s(body, key=blake2s(b"mac1----" + receiver), size=16)
    return body + (blake2s(body, key=cookie, size=16) if cookie else bytes(16))


def cookie_reply(to: bytes, sender: bytes, cookie: bytes, *, index: int | None = None,
                 mac1: bytes | None = None) -> bytes:
    """A cookie reply to a handshake message, from whoever owns the public key `sender`."""
    nonce = os.urandom(24)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        cookie, to[-MACS:-16] if mac1 is None else mac1, nonce, blake2s(b"cookie--" + sender))
    return struct.pack("<II", COOKIE_REPLY, index_at(to, 4) if index is None else index) + nonce + sealed


def open_cookie(reply: bytes, to: bytes, sender: bytes) -> bytes:
    """The cookie of a reply to a handshake message."""
    return crypto_aead_xchacha20poly1305_ietf_decrypt(reply[32:], to[-MACS:-16], reply[8:32],
                                                      blake2s(b"cookie--" + sender))


class SymmetricState:
    """Chaining key and hash of one handshake."""

    def __init__(self, responder: bytes):
        self.chaining_key = blake2s(CONSTRUCTION)
        self.hash = blake2s(blake2s(self.chaining_key + IDENTIFIER) + responder)
        self.key = b""

    def expand(self, material: bytes, count: int) -> list[bytes]:
        """HKDF over BLAKE2s."""
        secret = hmac.digest(self.chaining_key, material, "blake2s")
        outputs = [b""]
        for number in range(1, count + 1):
            outputs.append(hmac.digest(secret, outputs[-1] + bytes([number]), "blake2s"))
        return outputs[1:]

    def mix_hash(self, data: bytes) -> None:
        self.hash = blake2s(self.hash + data)

    def mix_key(self, material: bytes) -> None:
        self.chaining_key, self.key = self.expand(material, 2)

    def mix_ephemeral(self, public: bytes) -> None:
        self.mix_hash(public)
        self.mix_key(public)

    def mix_preshared(self, key: bytes) -> None:
        self.chaining_key, extra, self.key = self.expand(key, 3)
        self.mix_hash(extra)

    def encrypt(self, plaintext: bytes) -> bytes:
        sealed = ChaCha20Poly1305(self.key).encrypt(bytes(12), plaintext, self.hash)
        self.mix_hash(sealed)
        return sealed

    def decrypt(self, sealed: bytes) -> bytes:
        plaintext = ChaCha20Poly1305(self.key).decrypt(bytes(12), sealed, self.hash)
        self.mix_hash(sealed)
        return plaintext

    def split(self) -> list[bytes]:
        return self.expand(b"", 2)


class Session:
    """The keys of one end."""

    def __init__(self, send_key: bytes, receive_key: bytes, local_index: int, remote_index: int):
        self._send, self._receive = ChaCha20Poly1305(send_key), ChaCha20Poly1305(receive_key)
        self.local_index, self.remote_index = local_index, remote_index
        self.counter, self.begun = 0, int(time.time())

    def seal(self, packet: bytes = b"", *, counter: int | None = None, index: int | None = None,
             padding: int = 16) -> bytes:
        """A transport_data message, by default with the next counter and to the other end's index."""
        if counter is None:
            counter, self.counter = self.counter, self.counter + 1
        header = struct.pack("<IIQ", TRANSPORT_DATA, self.remote_index if index is None else index, counter)
        padded = packet + bytes(-len(packet) % padding)
        return header + self._send.encrypt(struct.pack("<4xQ", counter), padded, None)

    def open(self, message: bytes) -> bytes | None:
        """The padded packet of a message for this session; None for anything else."""
        if message_type(message) != TRANSPORT_DATA or index_at(message, 4) != self.local_index:
            return None
        try:
            return self._receive.decrypt(bytes(4) + message[8:16], message[DATA_HEADER:], None)
        except InvalidTag:
            return None


class Noise:
    """One end of handshakes with one other end."""

    def __init__(self, remote: bytes, preshared: bytes = bytes(32)):
        self.static = X25519PrivateKey.generate()
        self.public = public_bytes(self.static)
        self.remote, self._preshared = remote, preshared

    def initiation(self, *, at: float | None = None, ephemeral_public: bytes | None = None,
                   static_public: bytes | None = None, index: int | None = None) -> bytes:
        """-> e, es, s, ss, {t}; at: the time it tells."""
        self._symmetric, self._ephemeral = SymmetricState(self.remote), X25519PrivateKey.generate()
        self._index = int.from_bytes(os.urandom(4), "little") if index is None else index
        ephemeral = ephemeral_public or public_bytes(self._ephemeral)
        self._symmetric.mix_ephemeral(ephemeral)
        self._symmetric.mix_key(bytes(32) if ephemeral_public else shared_secret(self._ephemeral, self.remote))
        sealed_static = self._symmetric.encrypt(static_public or self.public)
        self._symmetric.mix_key(bytes(32) if static_public else shared_secret(self.static, self.remote))
        timestamp = self._symmetric.encrypt(tai64n(time.time() if at is None else at))
        return add_macs(struct.pack("<II", INITIATION, self._index) + ephemeral + sealed_static + timestamp
                        + bytes(MACS), self.remote)

    def finish(self, response: bytes) -> Session:
        """Takes the response to the last initiation."""
        ephemeral = response[12:44]
        self._symmetric.mix_ephemeral(ephemeral)
        self._symmetric.mix_key(shared_secret(self._ephemeral, ephemeral))
        self._symmetric.mix_key(shared_secret(self.static, ephemeral))
        self._symmetric.mix_preshared(self._preshared)
        self._symmetric.decrypt(response[44:60])
        send, receive = self._symmetric.split()
        return Session(send, receive, self._index, index_at(response, 4))

    def response(self, initiation: bytes, *, ephemeral_public: bytes | None = None) -> tuple[bytes, Session]:
        """<- e, ee, se, psk, {}: the answer to an initiation, and the session that begins when it is taken."""
        state, theirs, private = SymmetricState(self.public), initiation[8:40], X25519PrivateKey.generate()
        state.mix_ephemeral(theirs)
        state.mix_key(shared_secret(self.static, theirs))
        static = state.decrypt(initiation[40:88])
        state.mix_key(shared_secret(self.static, static))
        state.decrypt(initiation[88:116])
        ephemeral = ephemeral_public or public_bytes(private)
        state.mix_ephemeral(ephemeral)
        for public in (theirs, static):
            state.mix_key(bytes(32) if ephemeral_public else shared_secret(private, public))
        state.mix_preshared(self._preshared)
        index, remote_index = int.from_bytes(os.urandom(4), "little"), index_at(initiation, 4)
        message = struct.pack("<III", RESPONSE, index, remote_index) + ephemeral + state.encrypt(b"")
        receive, send = state.split()
        return add_macs(message + bytes(MACS), self.remote), Session(send, receive, index, remote_index)
