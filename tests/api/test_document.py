"""The OpenAPI document says all that the service does: Schemathesis asks what nobody thought of and compares the answers.

Orders are made over a seeded market with a real key, in both directions: of the documented form, and of any other.
"""

import zlib
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django
from django.core.management import call_command
from hypothesis import HealthCheck, settings

from accounts import clock
from accounts.models import User
from accounts.rules.keys import Scope
from config.wsgi import application
from linking.operations.open_link import open_link
from registry.rules.serials import format_block
from tests import conftest as databases
from tests.api.conftest import REGISTRY, Market, key_for, make_market
from tests.trusted.people import ABROAD

EXAMPLES_PER_OPERATION = 100
PAST = {"as_of": "2026-03-02T12:00:00Z", "from": "2020-01-01T00:00:00Z", "to": "2026-03-02T20:00:00+08:00"}

config = schemathesis.Config.from_dict(
    {
        "generation": {"deterministic": True},
        "checks": {
            # An order of the documented form may still name nothing that can be moved.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "422"]},
            "missing_required_header": {"expected-statuses": [428]},
        },
    }
)
schema = schemathesis.openapi.from_wsgi("/api/schema/", application, config=config)


# What the two sides of a link sign, or do about it: by administrators, with a key for administering.
OF_ADMINISTRATORS = (
    "/instruments", "/corridors/{id}/suspend", "/links/{id}/conditions", "/links/{id}/books", "/notices", "/theft-cases"
)  # fmt: skip


def make_linked_market() -> Market:
    """Make the market with a link to the other registry, and a key of its administrator that is for administering too."""
    market = make_market()
    open_link(one=market.home, other=market.elsewhere, actor=REGISTRY, now=clock.now())
    market.keys["officer"] = key_for(User.objects.get(username="administrator"), *Scope)
    return market


@pytest.fixture(scope="module")
def seeded(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Market]:
    """A market in a database of the module's own, in which orders are committed and later ones see what they left."""
    with django_db_blocker.unblock(), databases.own_database(make_linked_market) as (_, begun):  # type: ignore[attr-defined]
        yield begun


@schema.parametrize()
@settings(max_examples=EXAMPLES_PER_OPERATION, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_documented_and_none_is_a_server_error(case: Any, seeded: Market) -> None:
    if case.meta.generation.mode.is_positive:
        _name_what_exists(case, seeded)
    name = "officer" if any(part in case.path for part in OF_ADMINISTRATORS) else "seller"
    case.call_and_validate(headers={"Authorization": f"Bearer {seeded.keys[name]}"})


def _name_what_exists(case: Any, market: Market) -> None:
    """Put what the market has in the place of what was made up, in two of three cases, so that answers are not all 404."""
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode("utf-8", "replace"))
    # A cursor is what a list gave; no schema says which those are.
    query = case.query or {}
    query.pop("cursor", None)
    # Nor which instants are past, which of two is the later, or that files have no pages.
    query |= {name: value for name, value in PAST.items() if name in query}
    if query.get("format", "json") != "json":
        query.pop("limit", None)
    if "working-days" in case.path:
        # Nor does one say of two days that they belong together.
        query |= {"from": "2026-02-01", "to": f"2026-{2 + dice % 10:02}-28"}
    if "/readiness" in case.path and "as_of" in query:
        query["as_of"] = f"20{dice % 100:02}-03-02"  # a day here, where others ask for an instant
    if "readiness/{first}" in case.path:
        # Nor that a proposed rule is one that is read, of one of the two, and from a day that comes.
        for name in ("rule_of", "rule_key", "rule_value", "rule_from"):
            query.pop(name, None)
        if dice % 2:
            query |= {"rule_of": "CN-BJ", "rule_key": "cap.type", "rule_value": f"absolute {dice}"}
    if "serial" in query:
        # Nor that a serial is some registry's.
        query["registry"] = "CNBJ"
    if isinstance(case.body, dict) and "document" in case.body:
        # Nor that a document of any members has no number but integers.
        case.body["document"] = {"reason": "made up"}
    case.body = _with_integers(case.body)
    if dice % 3 == 0:
        return
    for name, value in {
        "identifier": market["seller"],
        "code": "CN-BJ",
        "kind": "refused",
        "registry": "CNBJ",
        "serial": 500,
        "first": "CN-BJ",
        "second": "JP-13",
    }.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value
    if any(part in case.path for part in ("/links", "/corridors", "/agreements", "/recognitions", "/instruments")):
        _name_what_is_linked(case, dice)
    if isinstance(case.body, dict) and "victim" in case.body:
        case.body["victim"] = market["seller"]
    if "trusted-accounts/{id}" in case.path:
        case.path_parameters["id"] = 1 + dice % 5
    if isinstance(case.body, dict) and "account" in case.body:
        case.body["account"] = market["buyer"] if dice % 2 else ABROAD
    elif case.path == "/api/v1/transactions" and isinstance(case.body, dict):
        real = market.order(quantity=1 + dice % 5)
        case.body |= {
            name: real[name] for name in ("transferring_account", "acquiring_account", "unit_type", "quantity")
        }
        case.body["type"] = "10-50"
        case.body.pop("obligation", None)
        if "serial_blocks" in case.body:
            first = 1 + dice % 900
            case.body["serial_blocks"] = [format_block("CNBJ", "BEA", 2026, first, first + case.body["quantity"])]


def _name_what_is_linked(case: Any, dice: int) -> None:
    if "id" in (case.path_parameters or {}):
        case.path_parameters["id"] = 1 + dice % 2
    if isinstance(case.body, dict) and "document" in case.body:
        corridor = {"origin": "CN-BJ", "destination": "JP-13"}
        document = {"corridor": corridor, "limit": dice % 7, "valid_from": "2026-01-01T00:00:00Z", "valid_to": None}
        case.body |= {"link": 1, "kind": "leave", "document": document}
    elif isinstance(case.body, dict) and "evidence" in case.body:
        case.body["code"] = "contacts-named"


def _with_integers(value: Any) -> Any:
    """JSON Schema calls 5.0 an integer; an order does not."""
    if isinstance(value, dict):
        return {name: _with_integers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_integers(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def test_the_committed_document_is_what_the_code_says() -> None:
    printed = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=printed)
    assert (django.BASE_DIR / "docs" / "openapi.yaml").read_text(encoding="utf-8") == printed.getvalue()


def test_the_document_is_served_as_yaml_and_as_json(client) -> None:
    assert client.get("/api/schema/").content.startswith(b"openapi: 3.1.0")
    found = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert found["paths"]["/api/v1/transactions"]["post"]["operationId"] == "propose_transaction"


def test_the_page_to_try_it_has_no_inline_script(client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "script-src 'self'" in page["Content-Security-Policy"]
    body = page.content.decode()
    assert body.count("<script") == body.count("<script src=")
    assert "<style" not in body
    script = client.get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content
