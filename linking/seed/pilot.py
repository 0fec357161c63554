"""The pilot's three links as the demo has them: invented terms, sourced prices (linking/seed/prices.py), a year of flows."""

from collections.abc import Mapping
from dataclasses import dataclass

from linking.rules.degrees import Degree

# The holder whose desks in three cities trade across the links. One holder's accounts trust one another.
DESK = "Northeast Asia Pilot Desk (demo)"
UNIT = {"CN-BJ": "BEA", "JP-13": "TER", "KR-11": "KAU"}
STOCK = 400_000
SOURCE = "invented for the demo"


@dataclass(frozen=True, slots=True)
class DemoLink:
    """A link, how far it has come, and the corridor that was opened first."""

    one: str
    other: str
    degree: Degree


LINKS = (
    DemoLink("CN-BJ", "JP-13", Degree.RESTRICTED),
    DemoLink("JP-13", "KR-11", Degree.RECIPROCAL),
    DemoLink("CN-BJ", "KR-11", Degree.INCREMENTAL),
)

_LINKED: dict[str, object] = {
    "name": "linked",
    "within": None,
    "unit_types": [],
    "base": "verified-emissions",
    "numerator": 1,
    "denominator": 10,
    "window": "year",
}
# What each corridor's terms say beyond those of every corridor.
CORRIDORS: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("CN-BJ", "JP-13"): {
        "rate": (4, 5),
        "entry_quota": {"limit": 120_000, "measure": "units", "window": "year"},
        "holder_limit": 120_000,
        "use_quota": [{**_LINKED, "origins": ["CN-BJ"]}],
        "reciprocity": {
            "warn": 60_000,
            "taper": [{"from": 130_000, "numerator": 1, "denominator": 2}],
            "suspend": 160_000,
        },
        "margin": "pooled",
    },
    ("JP-13", "CN-BJ"): {
        "rate": (1, 1),
        "entry_quota": {"limit": 60_000, "measure": "units", "window": "year"},
    },
    ("JP-13", "KR-11"): {"rate": (1, 1), "net_flow_limit": 90_000},
    ("KR-11", "JP-13"): {"rate": (1, 1), "net_flow_limit": 90_000},
}
# Units a year that the origin lets go by a corridor.
LEAVES = {("CN-BJ", "JP-13"): 150_000}

# By month of the story, from the first: what went from the first city to the second, what came the other way, and what went home
# again of the first. To the dearer city more goes than comes back.
FLOWS: Mapping[tuple[str, str], tuple[tuple[int, int, int], ...]] = {
    ("CN-BJ", "JP-13"): (
        (4_000, 500, 0), (6_000, 800, 0), (5_000, 0, 1_000), (8_000, 1_200, 0), (9_000, 600, 0), (7_500, 900, 2_000),
        (10_000, 0, 0), (8_500, 1_500, 0), (9_500, 700, 1_500), (11_000, 0, 0), (9_000, 1_100, 0), (12_000, 400, 0),
    ),
    ("KR-11", "JP-13"): (
        (2_000, 900, 0), (3_000, 700, 0), (2_500, 1_000, 500), (4_000, 0, 0), (3_500, 1_200, 0), (3_000, 800, 0),
        (4_500, 900, 1_000), (2_500, 0, 0), (3_000, 1_400, 0), (4_000, 600, 0), (3_500, 1_100, 700), (2_800, 900, 0),
    ),
}  # fmt: skip
# The quota that the demo shows nearly full, and how much of it is used.
NEARLY_FULL = (("CN-BJ", "JP-13"), 97)
AWAITS_APPROVAL, AWAITS_ITS_DELAY = 400, 250


def terms_document(origin: str, destination: str, effective_from: str) -> dict[str, object]:
    """Return the first version of a corridor's terms as a document."""
    own = dict(CORRIDORS[origin, destination])
    rate = own.pop("rate")
    assert isinstance(rate, tuple)
    value = {"numerator": rate[0], "denominator": rate[1], "source": SOURCE}
    document: dict[str, object] = {
        "corridor": {"origin": origin, "destination": destination},
        "version": 1,
        "effective_from": effective_from,
        "notice_days": 30,
        "last_settlement_days": 14,
        "unit_types": [UNIT[origin]],
        "first_vintage": None,
        "last_vintage": None,
        "account_types": ["EXS", "OHA", "TRA"],
        "rate": {
            "kind": "discount",
            "numerator": rate[0],
            "denominator": rate[1],
            "exceeds_one": False,
            "reserve": 0,
            "mitigation_value": value,
            "compliance_value": value,
        },
        "entry_quota": None,
        "net_flow_limit": None,
        "vintage_limits": {},
        "holder_limit": None,
        "use_quota": [],
        "reciprocity": None,
        "settlement_days": "any",
        "margin": "retired",
        "hold_on_freeze_days": 30,
        "good_faith": "buyer-keeps",
        "delinking": {"policy": "sunset", "notice_days": 90, "sunset_days": 365, "under_way": "settle"},
        "instrument": "",
    }
    return document | own
