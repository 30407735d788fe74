"""The transit desk on a small plan: quotes, bounds, reservations, secure circuits, crowds, the command line."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from rahdari.engines.transit.world import packaged
from rahdari.errors import InputError, PlanError, TargetError
from rahdari.faces.cli.main import app
from rahdari.service.transit_desk import (
    ListRequest,
    QuoteRequest,
    QuoteResponse,
    ReleaseRequest,
    ReservationResponse,
    ReserveRequest,
    TransitTableRequest,
    list_reservations,
    quote,
    release,
    reserve,
    transit_table,
)
from rahdari.store.query import PUBLIC
from tests.helpers.transit_plan import write_transit_plan

ROOT = Path(__file__).parents[2]
DAY = dt.date(2026, 1, 1)
#: 550 Gbit/s idle at the crossing of the test country hold five wavelengths of 100 Gbit/s.
N_WAVELENGTHS = 5

KILLED = """
import os, signal, sys
from pathlib import Path
from rahdari.service.transit_desk import ReserveRequest, reserve

def at_step(step):
    if step == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

request = ReserveRequest(plan=Path(sys.argv[1]), from_name="Khunjerab", to_name="Karachi", gbps=300.0,
                         ledger=Path(sys.argv[2]), buyer="A", idempotency_key="killed")
print(reserve(request, at_step=at_step).reservation_id)
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_transit_plan(tmp_path_factory.mktemp("transit"))


def asked(plan: Path, **wishes: Any) -> QuoteResponse:  # noqa: ANN401  # fields of the request
    fields = {"plan": plan, "from_name": "Urumqi", "to_name": "Marseille", "gbps": 100.0, "asked_on": DAY, **wishes}
    return quote(QuoteRequest(**fields))


def held(plan: Path, ledger: Path, key: str, gbps: float = 100.0, **wishes: Any) -> ReservationResponse:  # noqa: ANN401
    fields = {
        "plan": plan, "from_name": "Khunjerab", "to_name": "Karachi", "gbps": gbps, "ledger": ledger, "buyer": "A",
        "idempotency_key": key, **wishes,
    }  # fmt: skip
    return reserve(ReserveRequest(**fields))


def test_a_quote_says_route_floor_availability_price_and_validity(plan: Path) -> None:
    made = asked(plan, gbps=150.0)
    (route,) = made.routes
    assert (route.stops[0], route.stops[-1]) == ("Urumqi", "Marseille")
    assert {"Khunjerab", "Karachi"} <= set(route.stops)
    assert made.n_wavelengths == 2
    assert route.rtt_low_ms <= route.rtt_floor_ms <= route.rtt_high_ms
    assert 0.0 < made.availability_frac < 1.0
    assert made.price_low_usd_per_month < made.price_usd_per_month < made.price_high_usd_per_month
    # 150 Gbit/s at USD 2.00 a Mbit/s and month across the country, worked by hand.
    assert made.country_usd_per_month == pytest.approx(300_000.0)
    assert made.valid_until == dt.date(2026, 1, 31)
    assert {rival["way_id"] for rival in made.rivals} == {"malacca", "steppe", "trans_siberian"}


def test_the_price_is_the_sum_of_the_legs(plan: Path) -> None:
    made = asked(plan)
    price = dict(packaged("legs").select("leg_id", "price_usd_per_mbps_month").iter_rows())
    abroad = sum(price[leg] for leg in made.routes[0].leg_ids if leg in price)
    assert made.price_usd_per_month == pytest.approx((abroad + 2.0) * 100_000.0)


def test_twice_the_capacity_costs_twice_as_much(plan: Path) -> None:
    assert asked(plan, gbps=200.0).price_usd_per_month == pytest.approx(2.0 * asked(plan).price_usd_per_month)


def test_a_bound_that_light_cannot_keep_is_refused_with_the_floor(plan: Path) -> None:
    floor = asked(plan).routes[0].rtt_floor_ms
    assert asked(plan, max_rtt_ms=floor + 0.1).routes[0].rtt_floor_ms == floor
    with pytest.raises(TargetError, match=f"the floor by the corridor is {floor:.1f} ms, above 20 ms"):
        asked(plan, max_rtt_ms=20.0)


def test_a_diverse_circuit_shares_no_leg_and_is_up_more_often(plan: Path) -> None:
    made = asked(plan, diversity="disjoint")
    working, other = made.routes
    assert not set(working.leg_ids) & set(other.leg_ids)
    assert made.availability_frac > max(working.availability_frac, other.availability_frac)
    assert made.price_usd_per_month > asked(plan).price_usd_per_month


def test_where_no_second_way_will_do_each_is_named_with_its_reason(plan: Path) -> None:
    with pytest.raises(TargetError) as caught:
        asked(plan, to_name="Zafarana", diversity="disjoint", max_rtt_ms=120.0)
    assert "no second way will do" in str(caught.value)
    with pytest.raises(TargetError, match="there is none"):
        asked(plan, from_name="Khunjerab", to_name="Karachi", diversity="disjoint")


def test_unknown_ends_and_pairs_off_the_corridor_are_refused_with_a_cure(plan: Path) -> None:
    with pytest.raises(InputError, match="no hub 'Marsaille'; use one of Marseille"):
        asked(plan, to_name="Marsaille")
    with pytest.raises(InputError, match="the corridor does not join Moscow and Frankfurt"):
        asked(plan, from_name="Moscow", to_name="Frankfurt")
    with pytest.raises(InputError, match="both ends are one hub"):
        asked(plan, to_name="urumqi")
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            asked(plan, gbps=wrong)


def test_a_reservation_holds_its_wavelengths_and_the_next_quote_knows(plan: Path, tmp_path: Path) -> None:
    made = held(plan, tmp_path, "a", 300.0)
    assert made.state == "held"
    assert all(numbers == [1, 2, 3] for numbers in made.wavelengths.values())
    after = asked(plan, ledger=tmp_path, gbps=300.0)
    assert after.routes[0].n_free_wavelengths == N_WAVELENGTHS - 3
    assert not after.is_free
    with pytest.raises(InputError, match="2 free of 5 wavelengths, 3 are asked for"):
        held(plan, tmp_path, "b", 300.0)
    release(ReleaseRequest(ledger=tmp_path, reservation_id=made.reservation_id))
    assert held(plan, tmp_path, "b", 300.0).state == "held"


def test_asking_again_under_one_key_returns_the_same_even_when_nothing_is_left(plan: Path, tmp_path: Path) -> None:
    first = held(plan, tmp_path, "a", 500.0)
    assert held(plan, tmp_path, "a", 500.0) == first
    with pytest.raises(InputError, match="used for another request"):
        held(plan, tmp_path, "a", 400.0)
    with pytest.raises(InputError, match="used for another request"):
        held(plan, tmp_path, "a", 500.0, buyer="B")


def test_a_secure_circuit_takes_the_same_path_and_is_hidden_from_the_public(plan: Path, tmp_path: Path) -> None:
    open_one = held(plan, tmp_path, "a")
    secure = held(plan, tmp_path, "b", service_class="government_secure")
    assert set(secure.wavelengths) == set(open_one.wavelengths)
    assert secure.wavelengths != open_one.wavelengths
    everything = list_reservations(ListRequest(ledger=tmp_path))
    assert {each.idempotency_key for each in everything.reservations} == {"a", "b"}
    public = list_reservations(ListRequest(ledger=tmp_path), PUBLIC)
    assert [each.idempotency_key for each in public.reservations] == ["a"]
    assert set(public.n_held.values()) == {1}


def test_the_public_is_not_told_which_causes_a_way_feels(plan: Path) -> None:
    request = QuoteRequest(plan=plan, from_name="Urumqi", to_name="Marseille", gbps=100.0, diversity="disjoint")
    assert quote(request).routes[0].common_causes
    public = quote(request, PUBLIC)
    assert [route.common_causes for route in public.routes] == [[], []]
    assert public.shared_causes == []


def test_released_reservations_are_listed_on_request(plan: Path, tmp_path: Path) -> None:
    made = held(plan, tmp_path, "a")
    release(ReleaseRequest(ledger=tmp_path, reservation_id=made.reservation_id))
    assert list_reservations(ListRequest(ledger=tmp_path)).reservations == []
    (listed,) = list_reservations(ListRequest(ledger=tmp_path, with_released=True)).reservations
    assert listed.state == "released"
    with pytest.raises(InputError, match="there is no ledger here"):
        list_reservations(ListRequest(ledger=tmp_path / "absent"))


def test_buyers_who_race_share_out_exactly_what_there_is(plan: Path, tmp_path: Path) -> None:
    def buy(number: int) -> ReservationResponse | None:
        try:
            return held(plan, tmp_path, f"k{number}", buyer=f"buyer {number}")
        except InputError:
            return None

    with ThreadPoolExecutor(4) as pool:
        won = [each for each in pool.map(buy, range(8)) if each is not None]
    assert len(won) == N_WAVELENGTHS
    numbers = [each.wavelengths["khunjerab_rawalpindi"][0] for each in won]
    assert sorted(numbers) == list(range(1, N_WAVELENGTHS + 1))


@pytest.mark.parametrize("step", ["entered", "committed"])
def test_a_desk_killed_between_steps_never_books_twice(plan: Path, tmp_path: Path, step: str) -> None:
    command = [sys.executable, "-c", KILLED, str(plan), str(tmp_path), step]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    before = list_reservations(ListRequest(ledger=tmp_path)).reservations
    assert len(before) == (1 if step == "committed" else 0)
    again = held(plan, tmp_path, "killed", 300.0)
    assert list_reservations(ListRequest(ledger=tmp_path)).reservations == [again]
    with pytest.raises(InputError, match="2 free of 5"):
        held(plan, tmp_path, "other", 300.0)


def test_the_table_of_a_plan_names_every_way_and_floor(plan: Path) -> None:
    made = transit_table(TransitTableRequest(plan=plan))
    assert {row["way_id"] for row in made.routes} == set(packaged("ways")["way_id"])
    assert any(row["leg"] == "Karachi - Marseille" for row in made.latency_legs)
    assert {row["case_id"] for row in made.business} == {"central", "central_new_fibre", "high", "low"}
    assert made.warnings


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="there is no plan here"):
        asked(tmp_path)


def rahdari(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["transit", *arguments, "--json"])
    parsed: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (0 if parsed["ok"] else 2)
    return parsed


def test_the_command_line_quotes_reserves_lists_and_releases(plan: Path, tmp_path: Path) -> None:
    common = ("--plan", str(plan), "--ledger", str(tmp_path))
    order = ("urumqi", "marseille", "--gbps", "150", "--diverse")
    assert rahdari("quote", *order, *common)["result"]["n_wavelengths"] == 2
    made = rahdari("reserve", *order, "--buyer", "A", "--key", "k", *common)["result"]
    listed = rahdari("list", *common)["result"]
    assert [each["reservation_id"] for each in listed["reservations"]] == [made["reservation_id"]]
    assert rahdari("release", made["reservation_id"], *common)["result"]["state"] == "released"
    refused = rahdari("quote", "urumqi", "marseille", "--max-rtt-ms", "20", *common)
    assert "light in fibre is no faster" in refused["errors"][0]["cure"]


def test_the_command_line_answers_in_words(plan: Path, tmp_path: Path) -> None:
    def words(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["transit", *arguments, "--plan", str(plan)])
        assert done.exit_code == 0, done.output
        return done.output

    table = words("table")
    assert "Round-trip floors beside the published claim" in table
    assert "Karachi - Marseille" in table
    ledger = ("--ledger", str(tmp_path))
    assert "  protection: Urumqi - Khorgos" in words("quote", "urumqi", "marseille", "--diverse", *ledger)
    assert "held: Khunjerab - Karachi" in words(
        "reserve", "khunjerab", "karachi", "--buyer", "A", "--key", "k", "--secure", *ledger
    )
    assert "held on khunjerab_rawalpindi: 1" in words("list", *ledger)
