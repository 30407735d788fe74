"""SNMP version 3: the keys of the standards, a real message, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.operate.wire import DecodeError, snmp
from rahdari.operate.wire.snmp_keys import Auth, Privacy, User, localized, password_key
from rahdari.operate.wire.snmp_v3 import ReportError, Usm, outer
from tests.helpers.wire import LINK_DOWN, captures, trap_bindings

if TYPE_CHECKING:
    from pathlib import Path

NOW_S = 1_800_000_000.0
AUTH_WORDS, PRIVACY_WORDS = "authpass12345", "privpass12345"  # as the captured message was made
OPS = User(name="ops", auth="sha256", auth_password=AUTH_WORDS, privacy="aes128", privacy_password=PRIVACY_WORDS)
PLAIN = User(name="plain")
TRAP = snmp.encode_pdu(snmp.TRAP_V2, 5, trap_bindings())
INFORM = snmp.encode_pdu(snmp.INFORM, 6, trap_bindings())
REPORTABLE = 4


def sealed(user: User, at_s: float = NOW_S, sender: Usm | None = None, flags: int | None = None) -> bytes:
    """Return a trap of a device whose engine started a thousand seconds ago."""
    sender = sender or Usm([user], NOW_S - 1000.0, "device")
    level = (user.auth != "none") + 2 * (user.privacy != "none") if flags is None else flags
    return sender.seal(1, user, level, sender.scope(TRAP), at_s)


@pytest.mark.parametrize(
    ("auth", "key", "local"),
    [
        ("md5", "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
        (
            "sha1",
            "9fb5cc0381497b3793528939ff788d5d79145211",
            "6695febc9288e36282235fc7151f128497b38f3f",
        ),
    ],
)
def test_keys_are_those_of_the_examples_in_rfc_3414(auth: Auth, key: str, local: str) -> None:
    found = password_key(auth, b"maplesyrup")
    assert (found.hex(), localized(auth, found, bytes(11) + b"\x02").hex()) == (key, local)


@pytest.mark.shared
def test_a_captured_message_opens_with_its_passwords_and_no_others(shared_folder: Path) -> None:
    data = captures(shared_folder)["v3_authPriv_trap"]["data"]
    found = Usm([OPS], NOW_S).read(data, NOW_S)
    assert (found.trap_oid, found.user, found.engine_id.hex()) == (LINK_DOWN, "ops", "8000000001020304")
    assert [value for _, _, value in found.bindings] == [7, 1, 2]
    wrong = User(name="ops", auth="sha256", auth_password=AUTH_WORDS + "6", privacy="aes128", privacy_password="x" * 8)
    with pytest.raises(DecodeError) as caught:
        Usm([wrong], NOW_S).read(data, NOW_S)
    assert caught.value.reason == "wrong_digest"


@pytest.mark.parametrize("auth", [auth for auth in get_args(Auth) if auth != "none"])
@pytest.mark.parametrize("privacy", get_args(Privacy))
def test_every_pair_of_digest_and_cipher_opens_what_it_sealed(auth: Auth, privacy: Privacy) -> None:
    user = User(name="u", auth=auth, auth_password="a" * 8, privacy=privacy, privacy_password="p" * 8)
    data = sealed(user)
    assert Usm([user], NOW_S).read(data, NOW_S).trap_oid == LINK_DOWN
    assert (TRAP in data) == (privacy == "none")


def test_a_changed_octet_anywhere_is_refused() -> None:
    data = sealed(OPS)
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :]
        with pytest.raises(DecodeError):
            Usm([OPS], NOW_S).read(changed, NOW_S)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (sealed(OPS, flags=1), "security_level"),
        (sealed(OPS, flags=0), "security_level"),
        (sealed(User(name="stranger")), "unknown_user"),
    ],
)
def test_less_security_than_the_users_entry_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Usm([OPS], NOW_S).read(data, NOW_S)
    assert caught.value.reason == reason


def test_a_user_without_secrets_is_taken_where_the_entry_says_so() -> None:
    assert Usm([PLAIN], NOW_S).read(sealed(PLAIN), NOW_S).user == "plain"


def test_the_same_message_again_and_an_older_one_are_refused() -> None:
    device, receiver = Usm([OPS], NOW_S - 1000.0, "device"), Usm([OPS], NOW_S)
    first = sealed(OPS, NOW_S, device)
    receiver.read(first, NOW_S)
    for data, reason in (
        (first, "replayed"),
        (sealed(OPS, NOW_S - 151.0, device), "not_in_time_window"),
        (sealed(OPS, NOW_S, Usm([OPS], NOW_S - 2000.0, "device")), "not_in_time_window"),
    ):
        with pytest.raises(DecodeError) as caught:
            receiver.read(data, NOW_S)
        assert caught.value.reason == reason
    receiver.read(sealed(OPS, NOW_S - 149.0, device), NOW_S)
    receiver.read(sealed(OPS, NOW_S + 10.0, Usm([OPS], NOW_S + 5.0, "device")), NOW_S + 10.0)
    with pytest.raises(DecodeError, match="older"):
        receiver.read(sealed(OPS, NOW_S, device), NOW_S + 20.0)


def asked(user: User | None, receiver: Usm, boots: int, time_s: int) -> bytes:
    """Return an inform to the receiver's engine in its clock of a moment."""
    asker = Usm([user] if user is not None else [], NOW_S, "rahdari")
    asker.boots = boots
    level = REPORTABLE | (3 if user is not None else 0)
    return asker.seal(9, user, level, receiver.scope(INFORM), asker._started_s + time_s)


def test_an_inform_learns_the_engine_then_its_moment_and_is_then_answered() -> None:
    receiver = Usm([OPS], NOW_S)
    stranger = Usm([], NOW_S, "someone else")
    with pytest.raises(ReportError) as caught:
        receiver.read(stranger.seal(3, None, REPORTABLE, stranger.scope(INFORM), NOW_S), NOW_S)
    told = outer(caught.value.reply)
    assert (caught.value.reason, told.message_id, told.engine_id) == ("unknown_engine", 3, receiver.engine_id)
    with pytest.raises(ReportError) as caught:
        receiver.read(asked(OPS, receiver, 0, 0), NOW_S + 7.0)
    told = outer(caught.value.reply)
    assert (caught.value.reason, told.boots, told.time_s, len(told.digest)) == (
        "not_in_time_window", receiver.boots, 7, 24,
    )  # fmt: skip
    data = asked(OPS, receiver, told.boots, told.time_s)
    inform = receiver.read(data, NOW_S + 8.0)
    assert (inform.request_id, inform.trap_oid, bool(inform.pdu)) == (6, LINK_DOWN, True)
    answer = outer(receiver.response(data, inform, NOW_S + 8.0))
    assert (answer.message_id, answer.flags, answer.time_s, answer.user) == (9, 3, 8, b"ops")


def test_each_start_has_a_greater_number_of_boots() -> None:
    assert Usm([], NOW_S + 1.0).boots > Usm([], NOW_S).boots


@pytest.mark.parametrize(
    "given",
    [
        {"privacy": "aes128", "privacy_password": "privpass12345"},
        {"auth": "sha256", "auth_password": "short"},
        {"auth": "sha256", "auth_password": "authpass12345", "privacy": "des"},
    ],
)
def test_a_user_the_model_does_not_allow_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InputError):
        User(name="u", **given)


def test_passwords_are_never_shown() -> None:
    assert "authpass" not in repr(OPS)
    assert "privpass" not in repr(OPS)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(DecodeError):
        Usm([OPS], NOW_S).read(data, NOW_S)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_plain_message_with_changed_bytes_is_decoded_or_refused(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(sealed(PLAIN))
    for at, octet in changes:
        changed[at % len(changed)] = octet
    try:
        found = Usm([PLAIN], NOW_S).read(bytes(changed), NOW_S)
    except DecodeError:
        return
    assert found.version == "3"
