"""The gate before every route: login, cookies, forms of other sites, tokens, budgets, marks on exports."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner

from rahdari.errors import AccessError, InputError, Problem
from rahdari.faces.cli.main import app as command_line
from rahdari.faces.cli.serving import Access, add_accounts, check_open
from rahdari.faces.web.app import create_app
from rahdari.faces.web.auth import protect, who_of
from rahdari.faces.web.limits import Budget, Limiter, Turns
from rahdari.faces.web.roles import MAP_ROUTES, Need
from rahdari.faces.web.sessions import csrf_of, set_cookie
from rahdari.service.identity import IDLE_S, Identity
from rahdari.service.watermark import COLUMN
from rahdari.store.query import Clearance, PlanReader
from tests.helpers.labelled_plan import write_labelled_plan
from tests.helpers.people import CHEAP, HOST, PASSWORD, log_in, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rahdari.faces.web.auth import Gate


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_plan(tmp_path_factory.mktemp("auth"))


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    made = people(tmp_path / "accounts")
    yield made
    made.close()


@pytest.fixture
def app(plan: Path, identity: Identity) -> FastAPI:
    made = create_app(plan)
    protect(made, identity, needs=MAP_ROUTES, plan_folder=plan)
    return made


def gate_of(app: FastAPI) -> Gate:
    gate: Gate = app.state.gate_of_identity
    return gate


@pytest.fixture
def nobody(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=HOST, follow_redirects=False)


def test_nobody_sees_anything_but_the_way_in(nobody: TestClient) -> None:
    answer = nobody.get("/api/plan")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["cure"]
    page = nobody.get("/map/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login?to=/map/")
    assert nobody.get("/no/such/page").status_code == 401  # not even what there is
    assert nobody.get("/login").status_code == 200


def test_the_session_is_a_cookie_that_no_script_and_no_other_site_has(app: FastAPI, nobody: TestClient) -> None:
    answer = nobody.post(
        "/login", data={"name": "reader-public", "password": PASSWORD, "to": "/report"}, headers={"Origin": HOST}
    )
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert 'content="0;url=/report"' in answer.text
    assert nobody.get("/api/me").json()["name"] == "reader-public"
    secure = TestClient(app, base_url="https://testserver")
    given = {"name": "reader-public", "password": PASSWORD}
    kept = secure.post("/login", data=given, headers={"Origin": "https://testserver"}).headers["set-cookie"]
    assert kept.startswith("__Host-rahdari_session=")
    assert "Secure" in kept.split("; ")


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""])
def test_a_login_leads_nowhere_else(nobody: TestClient, to: str) -> None:
    answer = nobody.post(
        "/login", data={"name": "reader-public", "password": PASSWORD, "to": to}, headers={"Origin": HOST}
    )
    assert 'content="0;url=/"' in answer.text
    assert "evil" not in nobody.get("/login", params={"to": to}).text


def test_a_name_with_markup_is_shown_escaped_and_a_wrong_password_sets_nothing(nobody: TestClient) -> None:
    answer = nobody.post(
        "/login", data={"name": "<script>x</script>", "password": "no", "to": '"><b>'}, headers={"Origin": HOST}
    )
    assert answer.status_code == 401
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert "set-cookie" not in answer.headers


def test_logging_in_again_ends_the_session_before(app: FastAPI) -> None:
    client = log_in(app, "reader-public")
    before = client.cookies["rahdari_session"]
    client.post("/login", data={"name": "reader-public", "password": PASSWORD})
    assert client.cookies["rahdari_session"] != before
    client.cookies.clear()
    assert client.get("/api/me", headers={"Cookie": f"rahdari_session={before}"}).status_code == 401


def test_logging_out_ends_the_session(app: FastAPI) -> None:
    client = log_in(app, "reader-public")
    session = client.cookies["rahdari_session"]
    assert client.post("/logout").status_code == 303
    client.cookies.clear()
    assert client.get("/api/me", headers={"Cookie": f"rahdari_session={session}"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"X-CSRF-Token": "wrong"},
        {"X-CSRF-Token": ""}, {"X-CSRF-Token": "é"}, {"Origin": "http://testserver.evil.example"},
    ],
    ids=str,
)  # fmt: skip
def test_a_change_that_our_own_page_did_not_send_is_refused(app: FastAPI, headers: dict[str, str]) -> None:
    client = log_in(app, "reader-public")
    sent = {name: value.encode() for name, value in headers.items()}
    answer = client.post("/logout", headers=sent)
    assert answer.status_code == 403
    assert client.get("/api/me").status_code == 200


def test_a_form_sends_the_proof_as_a_field(app: FastAPI) -> None:
    client = log_in(app, "planner-owner")
    del client.headers["X-CSRF-Token"]
    field = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/account").text)
    assert field is not None
    asked = {"kind": "cut_sets", "reason": "to harden", "csrf": field[1]}
    assert client.post("/api/approvals", data=asked).status_code == 303
    assert client.post("/api/approvals", data={**asked, "csrf": "0" * 64}).status_code == 403
    assert len(client.get("/api/approvals").json()) == 1


def test_the_proof_of_one_session_is_not_that_of_another() -> None:
    assert csrf_of("a") != csrf_of("b")
    assert "a" * 43 not in csrf_of("a" * 43)


def test_a_login_from_another_site_is_refused(nobody: TestClient) -> None:
    given = {"name": "reader-public", "password": PASSWORD}
    assert nobody.post("/login", data=given, headers={"Origin": "https://evil.example"}).status_code == 403
    assert nobody.post("/login", data=given).status_code == 403


def test_a_session_idle_for_too_long_is_out(app: FastAPI, identity: Identity) -> None:
    client = log_in(app, "reader-public")
    now_s = identity.clock()
    identity.clock = lambda: now_s + IDLE_S + 1.0
    assert client.get("/api/me").status_code == 401


def test_a_token_does_what_its_scope_says_and_needs_no_proof_of_a_form(app: FastAPI, identity: Identity) -> None:
    client = TestClient(app, base_url=HOST)
    _, read = identity.make_token("planner-owner", ["read"], 7)
    client.headers["Authorization"] = f"Bearer {read}"
    assert client.get("/api/plan").status_code == 200
    assert client.get("/export/places.csv").status_code == 403
    assert client.get("/api/me").json()["csrf"] is None
    assert client.post("/api/approvals", json={"kind": "cut_sets", "reason": "x"}).status_code == 403
    _, export = identity.make_token("planner-owner", ["export"], 7)
    assert client.get("/export/places.csv", headers={"Authorization": f"Bearer {export}"}).status_code == 200
    for bad in ("Bearer nonsense", "Bearer", "Basic YTpi", f"Token {read}"):
        assert client.get("/api/plan", headers={"Authorization": bad}).status_code == 401, bad


def test_a_session_does_not_help_a_wrong_token(app: FastAPI) -> None:
    client = log_in(app, "reader-owner")
    assert client.get("/api/plan", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_many_wrong_passwords_are_told_to_wait(nobody: TestClient) -> None:
    given = {"name": "reader-public", "password": "wrong password"}
    codes = [nobody.post("/login", data=given, headers={"Origin": HOST}).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    answer = nobody.post("/login", data={**given, "password": PASSWORD}, headers={"Origin": HOST})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_an_account_cannot_spend_more_than_its_budget(app: FastAPI) -> None:
    gate_of(app).accounts = Limiter(Budget(25.0, 0.001))
    client = log_in(app, "reader-public")
    codes = [client.get("/api/search", params={"q": "x"}).status_code for _ in range(15)]
    assert codes[:12] == [200] * 12
    assert codes[-1] == 429
    other = log_in(app, "reader-internal")
    assert other.get("/api/search", params={"q": "x"}).status_code == 200


def test_an_address_cannot_ask_without_end(app: FastAPI, nobody: TestClient) -> None:
    gate_of(app).addresses = Limiter(Budget(5.0, 0.001))
    codes = [nobody.get("/api/plan").status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2


def test_a_budget_fills_again_and_forgets_nobody_who_owes() -> None:
    now = [0.0]
    limiter = Limiter(Budget(10.0, 2.0), clock=lambda: now[0])
    assert [limiter.take("a", 5.0) for _ in range(2)] == [0.0, 0.0]
    assert limiter.take("a", 5.0) == 2.5
    assert limiter.take("b", 100.0) == 0.0  # a whole budget buys anything
    now[0] = 2.5
    assert limiter.take("a", 5.0) == 0.0


def test_an_account_has_two_heavy_answers_at_a_time() -> None:
    turns = Turns()
    assert [turns.begin("a") for _ in range(3)] == [True, True, False]
    assert turns.begin("b")
    turns.end("a")
    assert turns.begin("a")


def test_what_is_served_behind_the_gate_is_kept_by_no_cache(app: FastAPI) -> None:
    client = log_in(app, "reader-owner")
    for path in ("/api/plan", "/tiles/places.pmtiles", "/report", "/export/places.csv", "/map/"):
        assert client.get(path).headers["cache-control"] == "private, no-store", path


def test_nothing_of_a_refusal_tells_whether_a_row_is_there(app: FastAPI) -> None:
    client = log_in(app, "reader-public")
    hidden = client.get("/api/row/places/zz-000007")
    absent = client.get("/api/row/places/zz-999999")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace("zz-000007", "x") == absent.text.replace("zz-999999", "x")


# Exports ------------------------------------------------------------------------------------------------------------


def test_a_csv_says_who_took_it_and_alters_no_figure(app: FastAPI, plan: Path) -> None:
    client = log_in(app, "planner-internal")
    text = client.get("/export/places.csv").content.decode()
    first, rest = text.split("\r\n", 1)
    assert first.startswith("# Exported by planner-internal at 20")
    assert "feedbeeffeed" in first
    assert "do not imply any opinion" in first
    rows = list(csv.DictReader(io.StringIO(rest)))
    mark = json.loads(rows[0][COLUMN])
    assert (mark["who"], mark["plan_digest"]) == ("planner-internal", "feedbeef" * 5)
    seen = PlanReader(plan, log_in_clearance(app, "planner-internal")).table("places")
    assert [float(row["n_people"]) for row in rows] == seen["n_people"].to_list()
    assert [float(row["lon_deg"]) for row in rows] == seen["lon_deg"].to_list()


def log_in_clearance(app: FastAPI, name: str) -> Any:  # noqa: ANN401
    return gate_of(app).identity.account(name).clearance


def test_a_geojson_says_who_took_it(app: FastAPI, plan: Path) -> None:
    client = log_in(app, "planner-owner")
    found = client.get("/export/links.geojson").json()
    assert found["rahdari_export"]["who"] == "planner-owner"
    assert "planner-owner" in found["title"]
    assert len(found["features"]) == PlanReader(plan).table("links").height
    assert client.get("/export/access.geojson").status_code == 404


def test_a_report_says_who_took_it_and_is_for_those_cleared_for_all_of_the_plan(app: FastAPI) -> None:
    page = log_in(app, "reader-owner").get("/report")
    assert "Exported by reader-owner at" in page.text
    assert '<meta name="rahdari-export"' in page.text
    assert "<h1>Report</h1>" in page.text
    below = log_in(app, "administrator-restricted")
    assert below.get("/report").status_code == 404
    assert below.get("/api/plan").json()["has_report"] is False


def test_a_reader_exports_nothing(app: FastAPI) -> None:
    assert log_in(app, "reader-owner").get("/export/places.csv").status_code == 403


# Any application ----------------------------------------------------------------------------------------------------


def small_app(identity: Identity) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["testserver"])

    @app.get("/known")
    def known(request: Request) -> dict[str, str]:
        return {"name": who_of(request).name}

    @app.get("/forgotten")
    def forgotten() -> dict[str, str]:
        return {"secret": "Axolotl"}

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    protect(app, identity, needs={"GET /known": Need("read"), "WS /live": Need("read")})
    return app


def test_a_route_without_an_entry_is_refused_to_everybody(identity: Identity) -> None:
    client = log_in(small_app(identity), "administrator-owner")
    assert client.get("/known").json() == {"name": "administrator-owner"}
    assert client.get("/forgotten").status_code == 403
    assert client.get("/openapi.json").status_code == 403
    assert client.post("/known").status_code == 405
    assert client.get("/nothing").status_code == 404


def test_a_socket_needs_a_session_and_our_own_page(identity: Identity) -> None:
    app = small_app(identity)
    client = log_in(app, "reader-public")
    with client.websocket_connect("/live", headers={"Origin": HOST}) as socket:
        assert socket.receive_text() == "hello"
    for other, headers in ((TestClient(app), {"Origin": HOST}), (client, {"Origin": "https://evil.example"})):
        with pytest.raises(WebSocketDisconnect), other.websocket_connect("/live", headers=headers):
            pass


def test_behind_a_gate_nobody_is_taken_for_the_user_of_the_machine(identity: Identity) -> None:
    app = small_app(identity)
    request = Request({"type": "http", "app": app, "headers": []})
    with pytest.raises(AccessError, match="nobody is known"):
        who_of(request)


def test_what_shows_the_same_to_all_is_for_those_cleared_for_all_of_it(identity: Identity) -> None:
    app = small_app(identity)
    gate_of(app).label = Clearance("restricted")
    for level, status in (("public", 403), ("internal", 403), ("restricted", 200), ("owner", 200)):
        client = log_in(app, f"reader-{level}")
        assert client.get("/known").status_code == status, level
        assert client.get("/account").status_code == 200


def test_a_fault_of_the_accounts_lets_nobody_in(identity: Identity) -> None:
    client = log_in(small_app(identity), "reader-public")

    def broken(_session: str) -> None:
        raise InputError(Problem("the accounts are gone", "bring them back"))

    identity.who_of_session = broken  # type: ignore[method-assign]
    assert client.get("/known").status_code == 503


# The command line ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "map.example"])  # noqa: S104  # refused
def test_nobody_is_let_in_from_outside_without_accounts(host: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="add --auth"):
        check_open(host, Access())
    check_open(host, Access(accounts=tmp_path))
    for own in ("127.0.0.1", "::1", "localhost"):
        check_open(own, Access())


def test_show_refuses_an_open_address_with_a_cure(plan: Path) -> None:
    found = CliRunner().invoke(command_line, ["show", "--plan", str(plan), "--host", "0.0.0.0", "--json"])  # noqa: S104
    assert found.exit_code == 2
    assert "--auth" in json.loads(found.stdout)["errors"][0]["cure"]


def test_a_single_user_needs_no_login(plan: Path) -> None:
    client = TestClient(create_app(plan))
    assert client.get("/api/plan").status_code == 200
    assert client.get("/report").status_code == 200


def test_the_first_start_says_where_the_password_is(plan: Path, tmp_path: Path) -> None:
    app = create_app(plan)
    told = add_accounts(app, Access(accounts=tmp_path / "a"), MAP_ROUTES, plan)
    (said,) = [line for line in told if "first administrator" in line]
    path = tmp_path / "a" / "first-password.txt"
    assert str(path) in said
    password = path.read_text(encoding="utf-8").splitlines()[1].removeprefix("password: ")
    assert password not in " ".join(told)
    assert log_in(app, "administrator", password).get("/api/accounts").json()[0]["role"] == "administrator"
    gate_of(app).identity.close()


def run(folder: Path, *words: str, given: str = "") -> dict[str, Any]:
    found = subprocess.run(
        [sys.executable, "-c", "from rahdari.faces.cli.main import main; main()", "account", *words, "--json"],
        input=given, capture_output=True, text=True, check=False,
        env={**os.environ, "RAHDARI_ACCOUNTS_DIR": str(folder)},
    )  # fmt: skip
    envelope: dict[str, Any] = json.loads(found.stdout)
    return envelope


def test_accounts_are_kept_from_the_command_line(tmp_path: Path) -> None:
    options = ("--role", "planner", "--level", "restricted", "--compartment", "water")
    made = run(tmp_path, "add", "ann", *options, given=f"{PASSWORD}\n")
    assert made["result"] == {"name": "ann", "role": "planner", "clearance": "restricted|water"}
    assert not run(tmp_path, "add", "ann", given=f"{PASSWORD}\n")["ok"]
    assert not run(tmp_path, "add", "bob", given="short\n")["ok"]
    token = run(tmp_path, "token", "ann", "--scope", "read", "--days", "3")["result"]
    assert run(tmp_path, "password", "ann", given="another fine password\n")["ok"]
    listed = run(tmp_path, "list")["result"]
    assert [each["name"] for each in listed["accounts"]] == ["ann"]
    assert [(each["token"], each["state"]) for each in listed["tokens"]] == [(token["token"], "ended")]
    assert token["secret"] not in json.dumps(listed)
    assert run(tmp_path, "disable", "ann")["result"]["state"] == "disabled"
    identity = Identity(tmp_path, hasher=CHEAP)
    with pytest.raises(AccessError, match="wrong name"):
        identity.login("ann", "another fine password", "10.0.0.1")
    identity.set_enabled("ann", is_enabled=True)
    assert identity.login("ann", "another fine password", "10.0.0.1")
    identity.close()


def test_a_cookie_taken_away_is_gone_at_once() -> None:
    assert "Max-Age=0" in set_cookie("x", "", is_https=False)
