"""Accounts, sessions, tokens, lock-out, login through a provider, and the approval of a second person."""

from __future__ import annotations

import json
import stat
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import argon2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from rahdari.errors import AccessError, InputError, PlanError
from rahdari.service.approval import SENSITIVE, Approvals, label_of, release
from rahdari.service.identity import (
    IDLE_S,
    LOCAL,
    LONGEST_S,
    LONGEST_WAIT_S,
    PERSON_ONLY,
    ROLES,
    Identity,
    Who,
    digest,
)
from rahdari.service.oidc import OidcClient, OidcSettings, fetch_json, read_settings
from rahdari.store.accounts import FILE
from rahdari.store.labels import OWNER, PUBLIC, Clearance
from tests.helpers.labelled_plan import write_labelled_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"  # noqa: S105
HERE = "10.0.0.1"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(tmp_path: Path, clock: Clock) -> Iterator[Identity]:
    made = Identity(tmp_path / "accounts", clock=clock, hasher=CHEAP)
    made.add("ann", "planner", Clearance("restricted", frozenset({"water"})), password=PASSWORD)
    made.add("bea", "secrecy officer", OWNER, password=PASSWORD)
    yield made
    made.close()


def test_the_first_start_makes_one_administrator_with_a_random_password_in_a_file_of_its_owner(tmp_path: Path) -> None:
    passwords = set()
    for name in "ab":
        identity = Identity(tmp_path / name, hasher=CHEAP)
        path = identity.first_start()
        assert path is not None
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        said = dict(line.split(": ") for line in path.read_text(encoding="utf-8").splitlines())
        passwords.add(said["password"])
        assert identity.login(said["name"], said["password"], HERE)
        assert identity.first_start() is None
        assert said["password"].encode() not in (tmp_path / name / FILE).read_bytes()
        identity.close()
    assert len(passwords) == 2


def test_a_file_of_accounts_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Identity(tmp_path, hasher=CHEAP).close()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        Identity(tmp_path, hasher=CHEAP)


def test_another_database_is_no_file_of_accounts(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all, but long enough to look" * 40)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(PlanError, match="holds no accounts"):
        Identity(tmp_path, hasher=CHEAP)


def test_passwords_are_kept_as_argon2id(tmp_path: Path) -> None:
    with Identity(tmp_path).store as store:
        identity = Identity(tmp_path)
        identity.add("ann", "reader", PUBLIC, password=PASSWORD)
        kept = store.password_hash("ann")
        assert kept is not None
        assert kept.startswith("$argon2id$v=19$m=65536,")


def test_sessions_are_random_rotate_at_login_and_are_kept_as_digests(identity: Identity) -> None:
    first = identity.login("ann", PASSWORD, HERE)
    second = identity.login("ann", PASSWORD, HERE, ends=first)
    assert first != second
    assert len(first) >= 43  # 256 bits
    assert identity.who_of_session(first) is None
    who = identity.who_of_session(second)
    assert who is not None
    assert (who.name, who.role, who.clearance.level) == ("ann", "planner", "restricted")
    assert [bytes(row["digest"]) for row in identity.store.rows("SELECT digest FROM sessions")] == [digest(second)]
    identity.logout(second)
    assert identity.who_of_session(second) is None


def test_a_session_ends_when_idle_and_after_its_longest_time_however_busy(identity: Identity, clock: Clock) -> None:
    idle = identity.login("ann", PASSWORD, HERE)
    clock.now_s += IDLE_S + 1
    assert identity.who_of_session(idle) is None
    busy, start_s = identity.login("ann", PASSWORD, HERE), clock.now_s
    while clock.now_s < start_s + LONGEST_S - IDLE_S / 2:
        clock.now_s += IDLE_S / 2
        assert identity.who_of_session(busy) is not None
    clock.now_s = start_s + LONGEST_S + 1
    assert identity.who_of_session(busy) is None


def test_wrong_names_and_wrong_passwords_look_the_same(identity: Identity) -> None:
    said = []
    for name, password in (
        ("ann", "wrong password"),
        ("nobody", PASSWORD),
        ("No Name!", PASSWORD),
        ("ann", "x" * 9999),
    ):
        with pytest.raises(AccessError) as error:
            identity.login(name, password, HERE)
        said.append(str(error.value))
    assert len(set(said)) == 1


def test_failures_make_an_account_wait_twice_as_long_each_time_from_wherever(identity: Identity, clock: Clock) -> None:
    waits = []
    for attempt in range(16):
        for _ in range(2):
            with pytest.raises(AccessError) as error:
                identity.login("ann", "wrong password", f"10.0.1.{attempt}")
            if error.value.wait_s:
                waits.append(error.value.wait_s)
                with pytest.raises(AccessError, match="wait"):  # the right one waits too
                    identity.login("ann", PASSWORD, "10.9.9.9")
                clock.now_s += error.value.wait_s
                break
    assert waits[:4] == [1.0, 1.0, 2.0, 2.0] or waits == sorted(waits)
    assert max(waits) <= LONGEST_WAIT_S
    assert len(waits) > 8
    clock.now_s += LONGEST_WAIT_S
    assert identity.login("ann", PASSWORD, "10.9.9.9")
    assert identity.store.failures("account ann") == (0, 0.0)


def test_failures_of_one_address_count_over_all_names(identity: Identity) -> None:
    for number in range(5):
        with pytest.raises(AccessError, match="wrong name"):
            identity.login(f"guess{number}", "wrong password", HERE)
    with pytest.raises(AccessError, match="wait"):
        identity.login("ann", PASSWORD, HERE)
    assert identity.login("ann", PASSWORD, "10.0.0.2")


def test_many_guesses_at_once_are_all_counted(identity: Identity) -> None:
    said: list[str] = []

    def guess() -> None:
        try:
            identity.login("ann", "wrong password", HERE)
        except AccessError as error:
            said.append(str(error))

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum("wrong name" in text for text in said) == 5
    assert sum("wait" in text for text in said) == 15


def test_a_new_password_and_a_shut_account_end_sessions_and_tokens(identity: Identity) -> None:
    session, (_, token) = identity.login("ann", PASSWORD, HERE), identity.make_token("ann", ["read"], 7)
    identity.set_password("ann", "another fine password")
    assert identity.who_of_session(session) is None
    assert identity.who_of_token(token) is None
    again = identity.login("ann", "another fine password", HERE)
    identity.set_enabled("ann", is_enabled=False)
    assert identity.who_of_session(again) is None
    with pytest.raises(AccessError, match="wrong name"):
        identity.login("ann", "another fine password", HERE)


def test_the_last_administrator_cannot_be_shut_out(identity: Identity) -> None:
    identity.first_start()
    identity.add("carl", "administrator", OWNER, password=PASSWORD)
    with pytest.raises(InputError, match="last administrator"):
        identity.set_enabled("carl", is_enabled=False)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"name": "Ann!"}, "no name"),
        ({"role": "boss"}, "no role"),
        ({"password": "short"}, "too short"),
        ({"password": None}, "nobody could log in"),
        ({"clearance": Clearance("public", frozenset({"a;b"}))}, "no name of a compartment"),
        ({"name": "ann"}, "already"),
    ],
)
def test_an_account_that_is_not_well_is_refused(identity: Identity, given: dict[str, Any], what: str) -> None:
    wanted = {"name": "dora", "role": "reader", "clearance": PUBLIC, "password": PASSWORD, **given}
    with pytest.raises(InputError, match=what):
        identity.add(wanted.pop("name"), wanted.pop("role"), wanted.pop("clearance"), **wanted)


def test_a_token_may_do_what_scope_and_role_both_list_until_it_expires(identity: Identity, clock: Clock) -> None:
    token_id, token = identity.make_token("ann", ["read", "plan"], 2)
    who = identity.who_of_token(token)
    assert who is not None
    assert who.permissions == {"read", "plan"}
    assert identity.store.tokens()[0]["token_id"] == token_id
    assert token.encode() not in (identity.folder / FILE).read_bytes()
    clock.now_s += 2 * 86_400.0
    assert identity.who_of_token(token) is None
    other_id, other = identity.make_token("ann", ["read"], 2)
    identity.revoke_token(other_id)
    assert identity.who_of_token(other) is None


@pytest.mark.parametrize("scope", [["approve"], ["administer"], ["operate"], ["ask"], []])
def test_no_token_has_more_than_its_role_or_what_needs_a_person(identity: Identity, scope: list[str]) -> None:
    with pytest.raises(InputError, match="cannot have"):
        identity.make_token("ann", scope, 7)


def test_only_the_secrecy_officer_approves_and_only_the_administrator_administers() -> None:
    assert [role for role in ROLES if "approve" in ROLES[role]] == ["secrecy officer"]
    assert [role for role in ROLES if "administer" in ROLES[role]] == ["administrator"]
    assert {"ask", "approve", "administer"} == PERSON_ONLY


# Approval by a second person ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_plan(tmp_path_factory.mktemp("sensitive"))


def person(name: str, role: str, clearance: Clearance = OWNER) -> Who:
    return Who(name, role, clearance, ROLES[role])


def test_a_sensitive_result_needs_another_persons_grant_for_that_kind_plan_and_person(
    identity: Identity, clock: Clock, plan: Path
) -> None:
    approvals = Approvals(identity.store, clock)
    ann, bea, carl = person("ann", "planner"), person("bea", "secrecy officer"), person("carl", "planner")
    label, plan_digest = label_of(plan), "feedbeef" * 5
    asked = approvals.ask(ann, "cut_sets", plan_digest, label, "where to harden")
    with pytest.raises(AccessError, match="second person"):
        release("cut_sets", ann, approvals, plan, lambda: "found")
    with pytest.raises(AccessError, match="no such request"):  # a planner decides nothing
        approvals.decide(carl, asked.approval_id, is_granted=True)
    approvals.decide(bea, asked.approval_id, is_granted=True)
    assert release("cut_sets", ann, approvals, plan, lambda: "found") == "found"
    for who, kind in ((carl, "cut_sets"), (ann, "worst_pairs")):
        with pytest.raises(AccessError, match="second person"):
            release(kind, who, approvals, plan, lambda: "found")
    clock.now_s += 3_600.0
    with pytest.raises(AccessError, match="second person"):
        release("cut_sets", ann, approvals, plan, lambda: "found")
    deeds = [what.split(" of ")[0] for _, _, what in identity.store.history()]
    assert {"asked for cut_sets", "granted cut_sets", "took cut_sets"} <= set(deeds)


def test_nobody_grants_their_own_request_and_nothing_is_decided_twice(identity: Identity, clock: Clock) -> None:
    approvals = Approvals(identity.store, clock)
    bea, dora = person("bea", "secrecy officer"), person("dora", "secrecy officer")
    asked = approvals.ask(bea, "exposure", "d", OWNER, "a test")
    with pytest.raises(AccessError, match="second person"):
        approvals.decide(bea, asked.approval_id, is_granted=True)
    assert approvals.decide(dora, asked.approval_id, is_granted=False).is_granted is False
    with pytest.raises(AccessError, match="decided"):
        approvals.decide(dora, asked.approval_id, is_granted=True)


@pytest.mark.parametrize("reason", ["", "  \t\n "])
def test_a_request_says_what_it_is_for(identity: Identity, clock: Clock, reason: str) -> None:
    with pytest.raises(InputError, match="no reason"):
        Approvals(identity.store, clock).ask(person("ann", "planner"), "jamming", "d", OWNER, reason)
    assert Approvals(identity.store, clock).seen_by(person("ann", "planner")) == []


def test_a_grant_does_not_outlast_the_role_that_asked_for_it(identity: Identity, clock: Clock, plan: Path) -> None:
    approvals, label = Approvals(identity.store, clock), label_of(plan)
    asked = approvals.ask(person("ann", "planner"), "cut_sets", "feedbeef" * 5, label, "a test")
    approvals.decide(person("bea", "secrecy officer"), asked.approval_id, is_granted=True)
    with pytest.raises(AccessError, match="above your clearance"):
        release("cut_sets", person("ann", "reader"), approvals, plan, lambda: "found")


def test_a_request_of_yesterday_cannot_be_granted(identity: Identity, clock: Clock) -> None:
    approvals = Approvals(identity.store, clock)
    asked = approvals.ask(person("ann", "planner"), "jamming", "d", OWNER, "a test")
    clock.now_s += 86_401.0
    with pytest.raises(AccessError, match="too old"):
        approvals.decide(person("bea", "secrecy officer"), asked.approval_id, is_granted=True)


def test_neither_person_may_be_cleared_for_less_than_the_most_secret_input(
    identity: Identity, clock: Clock, plan: Path
) -> None:
    approvals, low = Approvals(identity.store, clock), Clearance("restricted")
    label = label_of(plan)
    with pytest.raises(AccessError, match="above your role or clearance"):
        approvals.ask(person("ann", "planner", low), "criticality", "d", label, "a test")
    asked = approvals.ask(person("carl", "planner"), "criticality", "d", label, "a test")
    with pytest.raises(AccessError, match="no such request"):
        approvals.decide(person("bea", "secrecy officer", low), asked.approval_id, is_granted=True)
    assert approvals.seen_by(person("bea", "secrecy officer", low)) == []
    ran: list[int] = []
    with pytest.raises(AccessError, match="above your clearance"):
        release("criticality", person("ann", "planner", low), approvals, plan, lambda: ran.append(1))
    assert ran == []


def test_without_accounts_only_the_user_of_the_machine_has_sensitive_results(plan: Path) -> None:
    assert release("interdiction", LOCAL, None, plan, lambda: 3) == 3
    with pytest.raises(AccessError, match="needs accounts"):
        release("interdiction", person("ann", "administrator"), None, plan, lambda: 3)
    with pytest.raises(InputError, match="no sensitive result"):
        release("weather", LOCAL, None, plan, lambda: 3)
    assert set(SENSITIVE) == {"criticality", "cut_sets", "worst_pairs", "interdiction", "exposure", "jamming", "attack"}


# Login through a provider -------------------------------------------------------------------------------------------

KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"})
OTHER = RSAKey.generate_key(2048, parameters={"kid": "k1"})
CLIENT = "rahdari"


class Provider:
    """A small provider of identities on this machine; ``claims`` and ``header`` are laid over what is right."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.claims: dict[str, Any] = {}
        self.signer: Any = KEY
        self.algorithm = "RS256"
        self.document: dict[str, Any] = {}
        self.redirect = ""
        self.asked: dict[str, str] = {}
        self.nonce = ""
        self.fetched: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.answer(self, dict(urllib.parse.parse_qsl(body)))

            def log_message(self, *_: object) -> None:  # type: ignore[override]
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        self.fetched.append(request.path)
        if self.redirect:
            request.send_response(302)
            request.send_header("Location", self.redirect)
            request.end_headers()
            return
        body: dict[str, Any] = {}
        if request.path.endswith("openid-configuration"):
            body = {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/login",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys", **self.document,
            }  # fmt: skip
        elif request.path == "/keys":
            body = {"keys": [KEY.as_dict(private=False)]}
        elif request.path == "/token":
            self.asked = form
            claims = {
                "iss": self.issuer, "aud": CLIENT, "sub": "subject-1", "nonce": self.nonce,
                "iat": int(self.clock()), "exp": int(self.clock()) + 300, **self.claims,
            }  # fmt: skip
            claims = {name: value for name, value in claims.items() if value is not None}
            header = {"alg": self.algorithm, "kid": "k1"}
            body = {"id_token": jwt.encode(header, claims, self.signer, algorithms=[self.algorithm])}
        data = json.dumps(body).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


@pytest.fixture
def provider(clock: Clock) -> Iterator[Provider]:
    made = Provider(clock)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def client(provider: Provider, clock: Clock) -> OidcClient:
    back = "https://rahdari.example/oidc/back"
    return OidcClient(OidcSettings(provider.issuer, CLIENT, back, "a secret"), clock=clock)


def begin(client: OidcClient, provider: Provider) -> tuple[str, str, dict[str, str]]:
    url, browser = client.start()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    provider.nonce = query["nonce"]
    return query["state"], browser, query


def test_a_login_through_the_provider_uses_pkce_state_and_nonce(client: OidcClient, provider: Provider) -> None:
    state, browser, query = begin(client, provider)
    assert query["code_challenge_method"] == "S256"
    assert client.finish(state, "a code", browser) == "subject-1"
    assert provider.asked["code"] == "a code"
    assert len(provider.asked["code_verifier"]) >= 43
    assert provider.asked["code_verifier"] not in query["code_challenge"]
    with pytest.raises(AccessError, match="not begun here"):  # a state counts once
        client.finish(state, "a code", browser)


def test_a_login_begun_in_another_browser_or_too_long_ago_is_refused(
    client: OidcClient, provider: Provider, clock: Clock
) -> None:
    state, _, _ = begin(client, provider)
    with pytest.raises(AccessError, match="not begun here"):
        client.finish(state, "a code", "another browser")
    state, browser, _ = begin(client, provider)
    clock.now_s += 601.0
    with pytest.raises(AccessError, match="too long"):
        client.finish(state, "a code", browser)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"}, {"aud": "another client"}, {"aud": None}, {"nonce": "another"},
        {"nonce": None}, {"exp": 1}, {"exp": None}, {"iat": 1}, {"sub": None}, {"sub": ""},
        {"aud": [CLIENT, "another"]}, {"aud": [CLIENT, "another"], "azp": "another"},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_with_a_wrong_claim_is_refused(client: OidcClient, provider: Provider, claims: dict[str, Any]) -> None:
    state, browser, _ = begin(client, provider)
    provider.claims = claims
    with pytest.raises(AccessError, match="token is not valid"):
        client.finish(state, "a code", browser)


@pytest.mark.parametrize(
    ("algorithm", "signer"),
    [("RS256", OTHER), ("HS256", OctKey.import_key(KEY.as_dict(private=False)["n"])), ("RS384", KEY), ("none", None)],
)
def test_a_token_signed_otherwise_is_refused(
    client: OidcClient, provider: Provider, algorithm: str, signer: object
) -> None:
    state, browser, _ = begin(client, provider)
    if algorithm == "none":
        head = {"alg": "none", "kid": "k1"}
        token = jwt.encode({**head, "alg": "RS256"}, {"sub": "subject-1"}, KEY).split(".")
        from joserfc.util import urlsafe_b64encode

        token[0], token[2] = urlsafe_b64encode(json.dumps(head).encode()).decode(), ""
        keys: dict[str, Any] = {"keys": [KEY.as_dict(private=False)]}
        with pytest.raises(AccessError, match="token is not valid"):
            client.subject_of(".".join(token), keys, provider.nonce)
        return
    provider.algorithm, provider.signer = algorithm, signer
    with pytest.raises(AccessError, match="token is not valid"):
        client.finish(state, "a code", browser)


@pytest.mark.parametrize(
    "document",
    [
        {"token_endpoint": "http://127.0.0.1:9/token"}, {"jwks_uri": "https://attacker.example/keys"},
        {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": None}, {"issuer": "https://other.example"},
    ],
    ids=str,
)  # fmt: skip
def test_nothing_is_fetched_but_from_the_issuers_own_host(
    client: OidcClient, provider: Provider, document: dict[str, Any]
) -> None:
    def log_in() -> None:
        state, browser, _ = begin(client, provider)
        client.finish(state, "a code", browser)

    log_in()
    provider.document = document
    with pytest.raises(AccessError, match="provider"):
        log_in()


def test_a_redirect_is_not_followed(client: OidcClient, provider: Provider) -> None:
    provider.redirect = f"{provider.issuer}/elsewhere"
    with pytest.raises(AccessError, match="does not answer"):
        client.start()
    assert provider.fetched == ["/.well-known/openid-configuration"]
    with pytest.raises(AccessError, match="does not answer"):
        fetch_json(f"{provider.issuer}/x", None, {})


def test_whom_the_provider_knows_but_nobody_here_added_does_not_get_in(identity: Identity) -> None:
    with pytest.raises(AccessError, match="no account for you"):
        identity.login_subject("subject-1", HERE)
    identity.add("eve", "reader", PUBLIC, oidc_subject="subject-1")
    who = identity.who_of_session(identity.login_subject("subject-1", HERE))
    assert who is not None
    assert who.name == "eve"
    with pytest.raises(AccessError, match="wrong name"):  # there is no password to guess
        identity.login("eve", "", HERE)


def test_settings_of_the_provider_are_for_their_owner_alone_and_whole(tmp_path: Path) -> None:
    assert read_settings(tmp_path) is None
    path = tmp_path / "oidc.toml"
    path.write_text('issuer = "https://id.example"\nclient_id = "x"\nredirect_url = "https://r.example/oidc/back"\n')
    path.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read_settings(tmp_path)
    path.chmod(0o600)
    assert read_settings(tmp_path) == OidcSettings("https://id.example", "x", "https://r.example/oidc/back")
    path.write_text('issuer = "http://id.example"\nclient_id = "x"\nredirect_url = "https://r.example/oidc/back"\n')
    with pytest.raises(AccessError, match="not its own"):
        read_settings(tmp_path)
    path.write_text('issuer = "https://id.example"\ncolour = "red"\n')
    with pytest.raises(InputError, match="lacks client_id"):
        read_settings(tmp_path)
