"""Makes one transaction through the HTTP API, to show that a started demo does its work."""

import json
import secrets
import urllib.error
import urllib.request
from typing import Any

from config.embedded.failures import Exit, LaunchFailure

# One unit type of each jurisdiction of the pilot.
UNIT_TYPE = {"CNBJ": "BEA", "JP13": "TER", "KR11": "KAU"}


def one_transaction(root: str, seeded: dict[str, Any]) -> str:
    """Propose a transfer of one unit in one registry, approve it as another person; return the sentence to print.

    They are strangers, so it is executed on a later working day.

    Raises: LaunchFailure (CHECK_FAILED).
    """
    keys = seeded.get("api_keys", [])
    refusals = []
    for key in keys:
        registry = registry_of(key["account"])
        others = [other for other in keys if registry_of(other["account"]) == registry]
        approvers = [other["key"] for other in others if other["account"] == key["account"] and other is not key]
        for acquiring in dict.fromkeys(other["account"] for other in others):
            if acquiring == key["account"] or registry not in UNIT_TYPE or not approvers:
                continue
            order = {
                "type": "10-50",
                "transferring_account": key["account"],
                "acquiring_account": acquiring,
                "unit_type": UNIT_TYPE[registry],
                "quantity": 1,
            }
            status, answer = post(f"{root}/api/v1/transactions", key["key"], order)
            if status == 201:
                status, answer = post(f"{root}/api/v1/transactions/{answer['id']}/approve", approvers[0], {})
            if answer.get("state") in {"DELAYED", "COMPLETED"}:
                return (
                    f"checked: one unit goes from {key['account']} to {acquiring}, proposed and approved by two persons"
                )
            refusals.append(f"{status} {json.dumps(answer)[:400]}")
    reason = refusals[0] if refusals else "the seed gave no two accounts of one registry with two API keys"
    raise LaunchFailure(Exit.CHECK_FAILED, f"The check's transaction was not accepted: {reason}.")


def registry_of(account: str) -> str:
    """Return the registry an account identifier begins with."""
    return account.split("-")[0]


def post(address: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send one order and return the status and the answer's JSON."""
    request = urllib.request.Request(  # noqa: S310 - our own address
        address,
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_urlsafe(16),
        },
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, _json_or_text(error.read())
    except OSError as error:
        raise LaunchFailure(Exit.CHECK_FAILED, f"The API does not answer ({error}).") from None


def _json_or_text(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": content[:200].decode(errors="replace")}
