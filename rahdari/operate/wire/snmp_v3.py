"""SNMP version 3 with the User-based Security Model (RFC 3412, 3414, 3826, 7860): traps, informs and their answers.

A trap's sender is the authority of its own clock; of an inform this receiver is, and tells its engine by a Report.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from rahdari.operate.wire import DecodeError, ber
from rahdari.operate.wire.snmp import V3, Notification, encode_pdu, v2_notification, version_of
from rahdari.operate.wire.snmp_keys import (
    DIGEST_OCTETS,
    SALT_OCTETS,
    User,
    auth_key,
    decrypt,
    digest,
    encrypt,
    privacy_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

AUTH_FLAG, PRIVACY_FLAG, REPORT_FLAG = 1, 2, 4
USM_MODEL, MAX_SIZE, REPORT, RESPONSE = 3, 65_507, 0xA8, 0xA2
WINDOW_S, MAX_BOOTS = 150, 2**31 - 1  # RFC 3414, 2.2.3
MAX_ENGINE_OCTETS, MAX_USER_OCTETS, MIN_ENGINE_OCTETS = 32, 32, 5  # RFC 3411, SnmpEngineID; RFC 3414, SnmpAdminString
MAX_ENGINES, MAX_SEEN = 100_000, 100_000
BOOTS_EPOCH_S = 1_577_836_800.0  # 2020-01-01: boots count seconds since, so that every start has a greater number
UNKNOWN_ENGINE, NOT_IN_WINDOW = "1.3.6.1.6.3.15.1.1.4.0", "1.3.6.1.6.3.15.1.1.2.0"
ENGINE_PREFIX = b"\x80\x00\x7e\xd9\x04"  # the documentation's enterprise 32473 (RFC 5612), then text (RFC 3411)


class Secured(msgspec.Struct, frozen=True):
    """The outer parts of one message: who says it, at what moment of whose clock, and where its pieces stand."""

    message_id: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    digest_at: int
    digest: bytes
    salt: bytes
    body_at: int


class ReportError(DecodeError):
    """A message that is refused with an answer: ``reply`` tells the sender our engine or its moment."""

    def __init__(self, reason: str, what: str, reply: bytes) -> None:
        """Hold the reason, what was found and the bytes to send back."""
        super().__init__(reason, what, "the sender asks again by itself")
        self.reply = reply


def _text(content: bytes) -> bytes:
    return ber.encode(ber.OCTETS, content)


def outer(data: bytes) -> Secured:
    """Return the outer parts of a version 3 message under the User-based Security Model."""
    version, at, end = version_of(data)
    if version != V3:
        raise DecodeError("bad_version", f"SNMP version number {version}")
    start, body_at = ber.expect(data, at, end, ber.SEQUENCE)
    message_id, at = ber.integer(data, start, body_at)
    _, at = ber.integer(data, at, body_at)
    flags, at = ber.octets(data, at, body_at)
    model, at = ber.integer(data, at, body_at)
    if len(flags) != 1 or model != USM_MODEL or at != body_at:
        raise DecodeError("bad_security_model", f"security model {model}, {len(flags)} octets of flags")
    at, body_at = ber.expect(data, body_at, end, ber.OCTETS)
    start, stop = ber.expect(data, at, body_at, ber.SEQUENCE)
    engine_id, at = ber.octets(data, start, stop)
    boots, at = ber.integer(data, at, stop)
    time_s, at = ber.integer(data, at, stop)
    user, at = ber.octets(data, at, stop)
    sent, after = ber.octets(data, at, stop)
    salt, at = ber.octets(data, after, stop)
    if stop != body_at or at != stop:
        raise DecodeError("trailing", "something follows the security parameters")
    if len(engine_id) > MAX_ENGINE_OCTETS or len(user) > MAX_USER_OCTETS:
        raise DecodeError("bad_security_parameters", "an engine or a user has too long a name")
    if not 0 <= boots <= MAX_BOOTS or not 0 <= time_s <= MAX_BOOTS:
        raise DecodeError("bad_security_parameters", "a moment of an engine's clock outside 31 bits")
    return Secured(message_id, flags[0], engine_id, boots, time_s, user, after - len(sent), sent, salt, body_at)


class Usm:
    """What one receiver knows of users and engines; one thread uses it.

    ``started_s`` is the POSIX time of the start and gives the engine's boots, greater at every start.
    """

    def __init__(self, users: Iterable[User], started_s: float, name: str = "rahdari") -> None:
        """Take the users and the moment and name of this engine."""
        self._users = {user.name.encode(): user for user in users}
        self._started_s = started_s
        self.engine_id = (ENGINE_PREFIX + name.encode())[:MAX_ENGINE_OCTETS]
        self.boots = min(max(int(started_s - BOOTS_EPOCH_S), 1), MAX_BOOTS - 1)
        self._moments: OrderedDict[bytes, tuple[int, int, float]] = OrderedDict()  # boots, time, when it was heard
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def read(self, data: bytes, now_s: float) -> Notification:
        """Return the notification in a message that is genuine, fresh and as secure as its user demands.

        Raises :class:`ReportError` with the answer to send where the sender must first learn our engine or its moment.
        """
        message = outer(data)
        if message.engine_id != self.engine_id and message.flags & REPORT_FLAG:
            raise ReportError("unknown_engine", "not our engine", self._report(message, UNKNOWN_ENGINE, None, now_s))
        user = self._checked(data, message)
        if message.flags & AUTH_FLAG:
            self._check_moment(message, user, now_s)
            if message.engine_id != self.engine_id:  # an inform may come again: its sender waits for the answer
                self._check_replay(data)
        body = self._opened(data, message, user)
        return self._scoped(body, message)

    def _checked(self, data: bytes, message: Secured) -> User:
        user = self._users.get(message.user)
        if user is None:
            raise DecodeError("unknown_user", "the message is in the name of no user that is known")
        wanted = AUTH_FLAG * (user.auth != "none") | PRIVACY_FLAG * (user.privacy != "none")
        if message.flags & (AUTH_FLAG | PRIVACY_FLAG) != wanted:
            raise DecodeError("security_level", "the message is not secured as its user's entry says")
        if len(message.engine_id) < MIN_ENGINE_OCTETS:
            raise DecodeError("bad_security_parameters", "an engine without a name")
        if wanted:
            n = len(message.digest)
            blank = data[: message.digest_at] + bytes(n) + data[message.digest_at + n :]
            right = digest(user.auth, auth_key(user, message.engine_id), blank)
            if not hmac.compare_digest(right, message.digest):
                raise DecodeError("wrong_digest", "a wrong password, or bytes changed on the way")
        return user

    def _check_moment(self, message: Secured, user: User, now_s: float) -> None:
        if message.engine_id == self.engine_id:
            if message.boots != self.boots or abs(message.time_s - self._time_s(now_s)) > WINDOW_S:
                reply = self._report(message, NOT_IN_WINDOW, user, now_s)
                raise ReportError("not_in_time_window", "an inform out of its time", reply)
            return
        boots, time_s, heard_s = self._moments.get(message.engine_id, (0, 0, now_s))
        expected_s = time_s + (now_s - heard_s)
        is_late = message.boots == boots and message.time_s < expected_s - WINDOW_S
        if message.boots == MAX_BOOTS or message.boots < boots or is_late:
            raise DecodeError("not_in_time_window", "an older message of this engine, sent again")
        if (message.boots, message.time_s) > (boots, time_s):
            self._moments[message.engine_id] = (message.boots, message.time_s, now_s)
            if len(self._moments) > MAX_ENGINES:
                self._moments.popitem(last=False)

    def _check_replay(self, data: bytes) -> None:
        mark = hashlib.sha256(data).digest()
        if mark in self._seen:
            raise DecodeError("replayed", "the very same authenticated message came again")
        self._seen[mark] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)

    @staticmethod
    def _opened(data: bytes, message: Secured, user: User) -> bytes:
        if not message.flags & PRIVACY_FLAG:
            return data[message.body_at :]
        secret, after = ber.octets(data, message.body_at, len(data))
        if after != len(data):
            raise DecodeError("trailing", "something follows the encrypted text")
        key = privacy_key(user, message.engine_id)
        return decrypt(user.privacy, key, message.boots, message.time_s, message.salt, secret)

    @staticmethod
    def _scoped(body: bytes, message: Secured) -> Notification:
        start, stop = ber.expect(body, 0, len(body), ber.SEQUENCE)  # padding of DES may follow
        context_engine_id, at = ber.octets(body, start, stop)
        context, at = ber.octets(body, at, stop)
        found = v2_notification(body, at, stop, "3")
        user = message.user.decode("utf-8", "backslashreplace")
        named = {"user": user, "engine_id": message.engine_id}
        return msgspec.structs.replace(found, context=context, context_engine_id=context_engine_id, **named)

    def _time_s(self, now_s: float) -> int:
        return min(max(int(now_s - self._started_s), 0), MAX_BOOTS)

    def _report(self, message: Secured, counter: str, user: User | None, now_s: float) -> bytes:
        pdu = encode_pdu(REPORT, 0, [(counter, ber.COUNTER32, 1)])
        level = AUTH_FLAG if user is not None and user.auth != "none" else 0
        return self.seal(message.message_id, user if level else None, level, self.scope(pdu), now_s)

    def response(self, data: bytes, inform: Notification, now_s: float) -> bytes:
        """Return the answer to an inform that was read from ``data``, as secure as the inform."""
        message = outer(data)
        pdu = ber.encode(RESPONSE, inform.pdu)
        user, level = self._users[message.user], message.flags & (AUTH_FLAG | PRIVACY_FLAG)
        return self.seal(message.message_id, user, level, self.scope(pdu, inform), now_s)

    def scope(self, pdu: bytes, inform: Notification | None = None) -> bytes:
        """Return a protocol data unit in the context that was asked, or in our own."""
        engine_id, context = (inform.context_engine_id, inform.context) if inform is not None else (self.engine_id, b"")
        return ber.encode(ber.SEQUENCE, _text(engine_id), _text(context), pdu)

    def seal(self, message_id: int, user: User | None, level: int, body: bytes, now_s: float) -> bytes:
        """Return a whole message from this engine; without a user it is neither authenticated nor secret."""
        number, time_s, salt = ber.encode_integer, self._time_s(now_s), b""
        if user is not None and level & PRIVACY_FLAG:
            salt = os.urandom(SALT_OCTETS)
            key = privacy_key(user, self.engine_id)
            body = _text(encrypt(user.privacy, key, self.boots, time_s, salt, body))
        start = (number(message_id), number(MAX_SIZE), _text(bytes((level,))), number(USM_MODEL))
        name = user.name.encode() if user is not None else b""
        moment = (_text(self.engine_id), number(self.boots), number(time_s), _text(name))

        def whole(mark: bytes) -> bytes:
            security = ber.encode(ber.SEQUENCE, *moment, _text(mark), _text(salt))
            return ber.encode(ber.SEQUENCE, number(V3), ber.encode(ber.SEQUENCE, *start), _text(security), body)

        if user is None or not level & AUTH_FLAG:
            return whole(b"")
        key = auth_key(user, self.engine_id)
        return whole(digest(user.auth, key, whole(bytes(DIGEST_OCTETS[user.auth]))))
