"""``rahdari secure``: encryption, overlay and rules for all; exposure and attacks for those authorised."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rahdari.faces.cli.approving import Accounts, Someone, approve, ask, asker, pending

if TYPE_CHECKING:
    from rahdari.service.security import SecretResponse
    from rahdari.service.security_rules import RulesResponse

secure_app = typer.Typer(
    help="Protected communications: encryption, overlay, rules; attacks for those authorised.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
Authorised = Annotated[
    bool, typer.Option("--i-am-authorised", help="Say that you are authorised to see what is secret.")
]
OutOption = Annotated[Path | None, typer.Option(help="Write the answer to this file, labelled; default: nowhere.")]


class Kind(StrEnum):
    """An attack that can be played."""

    RANDOM = "random"
    TARGETED = "targeted"
    CIRCLE = "circle"
    CORRIDOR = "corridor"
    VENDOR = "vendor"
    INTERDICT = "interdict"
    PAIR = "pair"
    JAM = "jam"


@secure_app.command("goodput")
def goodput(
    protocol: Annotated[str, typer.Argument(help="ipsec-aes-gcm, ipsec-aes-gcm-nat, wireguard or macsec.")],
    inner_bytes: Annotated[
        int | None, typer.Option("--inner-bytes", help="Size of the IP packet; without it the internet mix.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what encryption leaves of a line, packet by packet, and whether packets pass whole."""
    from rahdari.faces.cli.main import answer

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.methods.encapsulation import fit, goodput_ratio

        ratio = goodput_ratio(protocol, "imix" if inner_bytes is None else inner_bytes)
        whole = fit(protocol, 1400 if inner_bytes is None else inner_bytes)
        return {
            "protocol": protocol,
            "inner_bytes": inner_bytes,
            "goodput_ratio": ratio,
            "outer_bytes": whole.outer_bytes,
            "largest_inner_bytes": whole.largest_inner_bytes,
            "is_fitting": whole.is_fitting,
        }

    answer("secure goodput", call, _show_goodput, as_json=as_json)


def _show_goodput(found: dict[str, Any]) -> None:
    size = "the internet mix" if found["inner_bytes"] is None else f"packets of {found['inner_bytes']} bytes"
    typer.echo(f"{found['protocol']}, {size}: {found['goodput_ratio']:.1%} of the line is left")
    fits = "passes" if found["is_fitting"] else "does not pass"
    typer.echo(
        f"  outer packet of the largest: {found['outer_bytes']} bytes, {fits} plain Ethernet; "
        f"inner packets up to {found['largest_inner_bytes']} bytes do"
    )


@secure_app.command("overlay")
def overlay(
    start: Annotated[str, typer.Argument(metavar="FROM", help="Landmark or place.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Landmark or place.")],
    disjoint: Annotated[str, typer.Option(help="What the ways may not share: link, node or risk.")] = "risk",
    avoid: Annotated[list[str] | None, typer.Option(help="foreign, or the name of a road; may be given again.")] = None,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Find two ways inside the country that share no risk, with the proof, or why there are none and the cure."""
    from rahdari.faces.cli import output
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.security import overlay_rows

        return overlay_rows(plan_folder(plan), [(start, end)], disjoint, avoid or ["foreign"])

    answer("secure overlay", call, output.print_rows, as_json=as_json)


@secure_app.command("rules")
def rules(
    pack: Annotated[
        list[str] | None, typer.Option(help="Rule pack by name, or a TOML file; may be given again.")
    ] = None,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Hold a plan against rule packs: which rule is broken, where, by which evidence; without --pack list them."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.service.security_rules import described, known_packs, rule_packs, rules_on

        if not pack:
            return {"packs": [described(each) for each in rule_packs(sorted(known_packs()))]}
        return rules_on(plan_folder(plan), pack)

    answer("secure rules", call, _show_rules, as_json=as_json)


def _show_rules(found: RulesResponse | dict[str, Any]) -> None:
    if isinstance(found, dict):
        typer.echo("rule packs, none of them on by itself:")
        for each in found["packs"]:
            typer.echo(f"{each['name']:16s}  {each['status']}, {each['dated']}: {each['title']} ({each['issuer']})")
            typer.echo(f"{'':16s}  {each['note']}")
        return
    for row in found.results:
        typer.echo(f"{row.outcome:16s}  {row.pack} ({row.status}, {row.dated}) {row.rule_id}: {row.text}")
        typer.echo(f"{'':16s}  {row.evidence}" + (f"; where: {row.where}" if row.where else ""))
    for warning in found.warnings:
        typer.echo(f"note: {warning}")


@secure_app.command("exposure")
def exposure(
    authorised: Authorised = False,
    shown: Annotated[int, typer.Option(help="Elements and pairs shown.")] = 20,
    pairs: Annotated[bool, typer.Option(help="Pairs too.")] = True,
    out: OutOption = None,
    plan: PlanOption = None,
    name: Someone = None,
    accounts: Accounts = None,
    as_json: Json = False,
) -> None:
    """Rank ways and junctions by what is lost with them. Secret: needs --i-am-authorised; writes nothing unasked.

    Where there are accounts, a second person has to agree: see 'rahdari secure ask'.
    """
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.security import ExposureRequest, plan_exposure

        asked = {"plan": plan_folder(plan), "n_shown": shown, "has_pairs": pairs, "is_authorised": authorised}
        request = validated(ExposureRequest, asked, "the command line")
        with asker(accounts, name) as person:
            return _kept(plan_exposure(request, asker=person), out)

    answer("secure exposure", call, _show_secret, as_json=as_json)


@secure_app.command("attack")
def attack(
    kind: Annotated[Kind, typer.Argument(help="What is played.")],
    authorised: Authorised = False,
    k: Annotated[int, typer.Option("--k", help="Links cut at once.")] = 2,
    harden: Annotated[int, typer.Option(help="With interdict: links to harden against it.")] = 0,
    point: Annotated[
        list[str] | None, typer.Option(help="Longitude,latitude of a circle or jammer; several for a corridor.")
    ] = None,
    radius_km: Annotated[float, typer.Option("--radius-km", help="Of circle or corridor.")] = 25.0,
    start: Annotated[str | None, typer.Option("--from", help="With pair: a city of the core.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="With pair: another.")] = None,
    hours: Annotated[float, typer.Option(help="With pair: how long a way must last.")] = 72.0,
    hit: Annotated[float, typer.Option(help="With pair: chance that a link is hit.")] = 0.1,
    eirp_dbm: Annotated[float, typer.Option("--eirp-dbm", help="With jam: power radiated at --point.")] = 50.0,
    frequency_ghz: Annotated[float, typer.Option("--frequency-ghz", help="With jam: of the service.")] = 1.8,
    signal_dbm: Annotated[float, typer.Option("--signal-dbm", help="With jam: wanted signal of those served.")] = -90.0,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    out: OutOption = None,
    plan: PlanOption = None,
    name: Someone = None,
    accounts: Accounts = None,
    as_json: Json = False,
) -> None:
    """Play an attack on the national core. Secret: needs --i-am-authorised, writes nothing unless asked.

    Where there are accounts, a second person has to agree: see 'rahdari secure ask'.
    """
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service import security as service

        asked = {
            "plan": plan_folder(plan), "kind": kind.value, "k": k, "n_hardened": harden,
            "points": [_point(text) for text in point or ()], "radius_km": radius_km,
            "ends": None if start is None or end is None else (start, end), "hours": hours, "hit_frac": hit,
            "eirp_dbm": eirp_dbm, "frequency_ghz": frequency_ghz, "signal_dbm": signal_dbm, "seed": seed,
            "is_authorised": authorised,
        }  # fmt: skip
        request = validated(service.AttackRequest, asked, "the command line")
        with asker(accounts, name) as person:
            return _kept(service.attack(request, asker=person), out)

    answer("secure attack", call, _show_secret, as_json=as_json)


secure_app.command("ask")(ask)
secure_app.command("pending")(pending)
secure_app.command("approve")(approve)


def _point(text: str) -> tuple[float, float]:
    from rahdari.errors import InputError, Problem

    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(Problem(f"'{text}' is no point", "write longitude,latitude like 73.1,33.7")) from error
    return lon, lat


def _kept(response: SecretResponse, out: Path | None) -> SecretResponse:
    """Write the response where that is asked for, with its label first, for the owner's eyes alone."""
    if out is not None:
        from rahdari.store.atomic import write_text

        write_text(out, response.model_dump_json(indent=1) + "\n")
        out.chmod(0o600)
    return response


def _show_secret(response: SecretResponse) -> None:
    typer.echo(f"*** {response.label.upper()} *** {response.what}")
    typer.echo(f"  {response.mark}")
    for warning in response.warnings:
        typer.echo(f"  {warning}")
    for row in (*response.rows, *response.pairs):
        typer.echo("  " + ", ".join(f"{key} {_value(value)}" for key, value in row.items()))
    typer.echo(f"*** {response.label.upper()} ***")


def _value(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
