"""The linked pilot for the API's tests: Beijing and Tokyo at 4/5 within quotas, a link to Seoul at nothing, and keys for people.

`ann` of each city is one holder's; `far` another's. Keys: `cn`, `jp` of the representatives, `cn-second` of the other one, by
officers `cn-junior`, `cn-senior`, `jp-junior` ..., and `nobody`.
"""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts import clock
from accounts.models import User
from accounts.rules.keys import Scope
from linking.rules.degrees import Degree
from tests.accounts import samples
from tests.api.conftest import Asked, key_for
from tests.linking.cities import Pilot, pilot

TERMS: dict[str, object] = {
    "rate": (4, 5),
    "entry_quota": {"limit": 200, "measure": "recognised", "window": "year"},
    "net_flow_limit": 500,
    "holder_limit": 300,
    "vintage_limits": {"2026": 400},
    "reciprocity": {"warn": 60, "taper": [{"from": 100, "numerator": 1, "denominator": 2}], "suspend": 300},
    "use_quota": [
        {
            "name": "linked",
            "within": None,
            "origins": ["CN-BJ"],
            "unit_types": [],
            "base": "verified-emissions",
            "numerator": 1,
            "denominator": 2,
            "window": "year",
        }
    ],
    "leave": 250,
}


@dataclass
class Linked:
    """The pilot and the keys of its people."""

    pilot: Pilot
    keys: dict[str, str] = field(default_factory=dict)

    def ask(self, name: str) -> Asked:
        """Return a client of the API for one of the keys ("" for none)."""
        return Asked(self.keys.get(name), Client(raise_request_exception=False))

    def account(self, city: str, name: str) -> str:
        """Return an account's identifier."""
        return self.pilot[city][name]

    def order(self, quantity: int, **members: Any) -> dict[str, Any]:
        """Return an order of BEA from Ann in Beijing to Ann in Tokyo, with other members as named."""
        order = {
            "type": "3-0",
            "transferring_account": self.account("CN-BJ", "ann"),
            "acquiring_account": self.account("JP-13", "ann"),
            "unit_type": "BEA",
            "quantity": quantity,
        }
        return order | members

    def corridor(self, origin: str = "CN-BJ", destination: str = "JP-13") -> int:
        """Return the id of a corridor."""
        return self.pilot.corridor(origin, destination).pk

    def link(self, one: str = "CN-BJ", other: str = "JP-13") -> int:
        """Return the id of a link."""
        return self.pilot.link(one, other).pk


def linked_market() -> Linked:
    """Make the linked pilot with keys."""
    made, at = pilot(), clock.now()
    made.agree("CN-BJ", "JP-13", at, **TERMS)
    made.agree("JP-13", "CN-BJ", at, net_flow_limit=1_000_000)
    made.raise_to(Degree.RECIPROCAL, "CN-BJ", "JP-13", at)
    made.link("CN-BJ", "KR-11")
    world = Linked(made)
    for code in made.cities:
        short = code[:2].lower()
        for name, user in ((short, f"{short}-one"), (f"{short}-second", f"{short}-two")):
            world.keys[name] = key_for(User.objects.get(username=user))
        for name in ("junior", "senior", "second-senior"):
            user_of = User.objects.get(username=f"{short}-{name}")
            world.keys[f"{short}-{name}"] = key_for(user_of, Scope.READ, Scope.TRANSACT, Scope.ADMINISTER)
    world.keys["nobody"] = key_for(samples.user("nobody"))
    return world


def place(error: dict[str, Any]) -> tuple[Any, str]:
    """Return an error's code and place."""
    return error["code"], error["pointer"]
