"""Terms for the tests: Beijing's allowances into Tokyo, restricted, with every term in use."""

from copy import deepcopy

_SAMPLE: dict[str, object] = {
    "corridor": {"origin": "CN-BJ", "destination": "JP-13"},
    "version": 1,
    "effective_from": "2026-07-01T00:00:00Z",
    "notice_days": 30,
    "last_settlement_days": 14,
    "unit_types": ["BEA"],
    "first_vintage": 2020,
    "last_vintage": 2026,
    "account_types": ["EXS", "OHA", "TRA"],
    "rate": {
        "kind": "discount",
        "numerator": 4,
        "denominator": 5,
        "exceeds_one": False,
        "reserve": 0,
        "mitigation_value": {"numerator": 5, "denominator": 6, "source": "Assessment of the caps, 2026"},
        "compliance_value": {"numerator": 4, "denominator": 5, "source": "Notice of the Tokyo authority, 2026"},
    },
    "entry_quota": {"limit": 100_000, "measure": "recognised", "window": "year"},
    "net_flow_limit": 50_000,
    "vintage_limits": {"2024": 15_000, "2025": 20_000},
    "holder_limit": 10_000,
    "use_quota": [
        {
            "name": "foreign",
            "within": None,
            "origins": ["CN-BJ", "KR-11"],
            "unit_types": [],
            "base": "verified-emissions",
            "numerator": 1,
            "denominator": 10,
            "window": "period",
        },
        {
            "name": "beijing",
            "within": "foreign",
            "origins": ["CN-BJ"],
            "unit_types": ["BEA"],
            "base": "allocation",
            "numerator": 1,
            "denominator": 20,
            "window": "year",
        },
    ],
    "reciprocity": {
        "warn": 20_000,
        "taper": [
            {"from": 30_000, "numerator": 1, "denominator": 2},
            {"from": 40_000, "numerator": 1, "denominator": 4},
        ],
        "suspend": 50_000,
    },
    "settlement_days": "working",
    "margin": "retired",
    "hold_on_freeze_days": 30,
    "good_faith": "buyer-keeps",
    "delinking": {"policy": "sunset", "notice_days": 90, "sunset_days": 365, "under_way": "settle"},
    "instrument": "",
}


def document(**changes: object) -> dict[str, object]:
    """Return a fresh copy of the sample with whole members changed."""
    return {**deepcopy(_SAMPLE), **changes}
