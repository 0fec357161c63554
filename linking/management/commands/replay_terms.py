"""`manage.py replay_terms --corridor CN-BJ:JP-13 --rate 3/4`: recorded flows under changed terms. It changes nothing."""

import json
import re
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from tqdm import tqdm

from accounts import clock
from accounts.texts import text
from linking.models import Corridor
from linking.replay_printing import printed_replay, replay_table
from linking.replays import NoTermsToChange, OtherCorridor, compare, terms_changed
from linking.rules.degrees import Degree
from linking.rules.rates import Rate
from linking.rules.strict import Fault
from linking.rules.terms import Terms, TermsFault, terms_from


class Command(BaseCommand):
    help = "Replays a corridor's recorded flows under changed terms or another degree, and compares. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--corridor", required=True, help="origin and destination: CN-BJ:JP-13")
        parser.add_argument("--terms", type=Path, help="a file of JSON: the whole of the terms; else those in force")
        parser.add_argument(
            "--change", type=json.loads, default={}, help='members of the terms, as JSON: {"margin":"pooled"}'
        )
        parser.add_argument("--rate", help="recognised tonnes for a unit: 3/4")
        parser.add_argument("--reserve", type=int, help="units that cover a rate above one")
        parser.add_argument("--entry-limit", help="of the entry quota, in its measure; none: no entry quota")
        parser.add_argument("--net-flow-limit", help="units a year; none: no limit")
        parser.add_argument("--holder-limit", help="units in the window of the entry quota; none: no limit")
        parser.add_argument("--degree", choices=[str(row) for row in Degree], help="of the link; this corridor is open")
        parser.add_argument(
            "--from", dest="since", help="first day judged, 2026-01-01, at the destination, or an instant"
        )
        parser.add_argument("--to", dest="until", help="end, exclusive: a day at the destination, or an instant")
        parser.add_argument("--json", action="store_true", help="print JSON, with every refusal")

    def handle(self, *args: Any, **options: Any) -> None:
        corridor = _corridor(options["corridor"])
        zone = ZoneInfo(corridor.destination.time_zone)
        terms = _terms(corridor, options)
        span = {"since": _instant(options["since"], zone), "until": _instant(options["until"], zone)}
        degree = None if options["degree"] is None else Degree(options["degree"])
        try:
            with tqdm(unit=" events", disable=None) as bar:
                found = compare(corridor, terms=terms, degree=degree, progress=bar.update, **span)
        except OtherCorridor as other:
            raise CommandError(f"The terms are of {other}.") from None
        if options["json"]:
            self.stdout.write(json.dumps(printed_replay(found), ensure_ascii=False, indent=2))
        else:
            self.stdout.write(replay_table(found))


def _corridor(named: str) -> Corridor:
    origin, _, destination = named.partition(":")
    rows = Corridor.objects.select_related("origin", "destination", "link")
    found = rows.filter(origin__code=origin, destination__code=destination).first()
    if found is None:
        raise CommandError(f"There is no corridor {named}; it is written CN-BJ:JP-13.")
    return found


def _terms(corridor: Corridor, options: dict[str, Any]) -> Terms | None:
    """Return the terms asked for, None where none are changed."""
    changes = _changes(corridor, options)
    try:
        if options["terms"] is not None:
            if changes:
                raise CommandError("--terms are the whole of the terms; change them in the file.")
            return terms_from(json.loads(options["terms"].read_text(encoding="utf-8")))
        return terms_changed(corridor, changes, now=clock.now()) if changes else None
    except TermsFault as fault:
        raise CommandError("\n".join(map(_told, fault.faults))) from None
    except NoTermsToChange:
        raise CommandError("This corridor has no terms to change; give the whole of them by --terms.") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{options['terms']} cannot be read: {error}") from None


def _told(found: Fault) -> str:
    return f"{found.path or 'terms'}: {text(f'terms-fault.{found.code}', **dict(found.params))}"


def _changes(corridor: Corridor, options: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(options["change"], dict):
        raise CommandError("--change takes an object.")
    changes: dict[str, Any] = dict(options["change"])
    if options["rate"] is not None:
        changes["rate"] = _rate(options["rate"], options["reserve"])
    for name in ("net_flow_limit", "holder_limit"):
        if options[name] is not None:
            changes[name] = _limit(options[name])
    if options["entry_limit"] is not None:
        limit = _limit(options["entry_limit"])
        changes["entry_quota"] = None if limit is None else _entry_quota(corridor, limit)
    return changes


def _rate(written: str, reserve: int | None) -> dict[str, Any]:
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", written)
    try:
        rate = Rate(*map(int, match.groups())) if match else None
    except ValueError:
        rate = None
    if rate is None:
        raise CommandError("A rate is written 3/4.")
    return {
        "kind": "exchange" if rate.exceeds_one else "discount",
        "numerator": rate.numerator,
        "denominator": rate.denominator,
        "exceeds_one": rate.exceeds_one,
        "reserve": (reserve or 0) if rate.exceeds_one else 0,
    }


def _limit(written: str) -> int | None:
    if written == "none":
        return None
    if not written.isdecimal():
        raise CommandError(f"A limit is a number of units, or none: {written}.")
    return int(written)


def _entry_quota(corridor: Corridor, limit: int) -> dict[str, Any]:
    """The limit alone where there is a quota; else a quota of units for each year."""
    latest = corridor.agreements.order_by("-effective_from", "-id").first()
    has_one = latest is not None and latest.terms.get("entry_quota") is not None
    return {"limit": limit} if has_one else {"limit": limit, "measure": "units", "window": "year"}


def _instant(written: str | None, zone: ZoneInfo) -> datetime | None:
    """Return an instant, or the beginning of a day in a zone."""
    if written is None:
        return None
    try:
        day = parse_date(written)
        at = parse_datetime(written) if day is None else datetime.combine(day, time(), zone)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CommandError(f"{written} is no day, 2026-01-01, and no instant, 2026-01-01T00:00:00Z.")
    return at
