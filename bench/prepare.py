"""Makes the measured registry through its own operations: `python -m bench.prepare people|stock WORLD [UNITS]`.

`people` opens the accounts; `stock` issues units and gives every account as many. They are apart so that databases
with other quantities can be copied in between.
"""

import sys
from datetime import date, timedelta
from pathlib import Path

import django

from bench import worlds
from bench.prepare_link import link

VINTAGE = 2026


def people(path: Path) -> None:
    """Open the accounts, name one user as representative of all, and give that user a key."""
    from accounts import clock
    from accounts.models import Account, Holder, Installation, Jurisdiction, User
    from accounts.operations.change_representative_state import change_representative_state
    from accounts.operations.create_api_key import create_api_key
    from accounts.operations.nominate_representative import nominate_representative
    from accounts.operations.open_account import open_account
    from accounts.operations.set_account_options import set_account_options
    from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
    from accounts.rules.access import registry_itself
    from accounts.rules.account_types import ACCOUNT_TYPES
    from accounts.rules.keys import Scope
    from accounts.rules.representatives import RepresentativeState, Rights
    from registry import ledger
    from registry.models import Obligation, UnitType
    from registry.operations.set_cap import set_cap

    actor, now = registry_itself("bench"), clock.now()
    set_up_jurisdictions(actor=actor, now=now)
    home = Jurisdiction.objects.get(registry_code=worlds.REGISTRY)
    ledger.open_serial_space(home.pk)
    unit_type = UnitType.objects.create(jurisdiction=home, code=worlds.UNIT_TYPE, kind="allowance")
    cap = set_cap(
        unit_type=unit_type,
        vintage=VINTAGE,
        limit=10**14,
        valid_from=now.date() - timedelta(days=1),
        valid_to=date(now.year + 5, 1, 1),
        source="bench",
        actor=actor,
        now=now,
    )
    user = User.objects.create(username="trader", password="!")

    def open_for(name: str, type_code: str, place: Installation | None = None) -> Account:
        kind = sorted(ACCOUNT_TYPES[type_code].holders)[0]
        holder = Holder.objects.get_or_create(name=f"a {kind}", kind=kind, country="CN")[0]
        return open_account(
            jurisdiction=home,
            type_code=type_code,
            holder=holder,
            name=name,
            installation=place,
            actor=actor,
            now=now,
        )

    def operator(number: int) -> tuple[Account, int]:
        place = Installation.objects.create(jurisdiction=home, number=f"I-{number}", name="Kiln", first_year=2021)
        obligation = Obligation.objects.create(
            jurisdiction=home,
            installation=place,
            year=VINTAGE - 1,
            opens_at=now - timedelta(days=1),
            due_at=now + timedelta(days=100),
            eligible_until_vintage=VINTAGE,
        )
        return open_for(f"operator {number}", "OHA", place), obligation.pk

    approver = User.objects.create(username="approver", password="!")
    careful = [open_for(f"careful {place}", "TRA") for place in range(worlds.CAREFUL)]
    trading = [open_for(f"trading {place}", "TRA") for place in range(worlds.ACCOUNTS)]
    operators = [operator(number) for number in range(worlds.OPERATORS)]
    alone = [*trading, *(account for account, _ in operators)]
    represented = [(account, user) for account in alone + careful] + [(account, approver) for account in careful]
    for account, person in represented:
        rights = Rights.INITIATE_AND_APPROVE
        nomination = nominate_representative(account=account, user=person, rights=rights, actor=actor, now=now)
        change_representative_state(representative=nomination, state=RepresentativeState.ACTIVE, actor=actor, now=now)
    for account in alone:
        set_account_options(
            identifier=account.identifier,
            one_person_surrender=True,
            one_person_trusted_transfer=True,
            reason="bench",
            actor=actor,
            now=now,
        )
    made = create_api_key(
        user=user,
        name="bench",
        scopes=[Scope.READ, Scope.TRANSACT],
        lifetime=timedelta(days=2),
        actor=actor,
        now=now,
        real_now=clock.real_now(),
    )
    world = worlds.World(
        accounts=[account.identifier for account in trading],
        issuance=open_for("issuance", "ISS").identifier,
        surrenders=open_for("surrenders", "SUR").identifier,
        operators=[(account.identifier, obligation) for account, obligation in operators],
        user=user.pk,
        careful=[account.identifier for account in careful],
        approver=approver.pk,
        api_key=made.printed,
        cap=cap.pk,
    )
    worlds.write(world, path)


def stock(path: Path, units: int) -> None:
    """Issue units and give each account that trades or surrenders `units` of them."""
    from accounts import clock
    from accounts.rules.access import registry_itself
    from registry.operations.issue import issue
    from registry.operations.propose_batch import propose_batch
    from registry.rules.proposal import Line, Proposal

    world = worlds.read_from(path)
    actor, now = registry_itself("bench"), clock.now()
    receivers = [*world.accounts, *world.careful, *(account for account, _ in world.operators)]
    issue(cap_id=world.cap, acquiring=world.issuance, quantity=units * len(receivers), actor=actor, now=now)
    lines = [
        Line(world.issuance, account, units, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
        for account in receivers
    ]
    proposals = [Proposal("10-37", (line,)) for line in lines]
    propose_batch(proposals, actor=actor, now=now, all_or_nothing=True)


def count_statements(path: Path) -> None:
    """Count the SQL statements of one transfer, without the bounds of the transaction, and keep them in the world."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts import clock
    from accounts.rules.access import Actor
    from registry.operations.propose import propose
    from registry.rules.proposal import Line, Proposal

    world = worlds.read_from(path)
    sender, acquirer = world.accounts[:2]
    line = Line(sender, acquirer, 1, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
    order = {"type": "10-50", "transferring_account": sender, "acquiring_account": acquirer, "unit_type": "BEA"}
    headers = {"Authorization": f"Bearer {world.api_key}"}

    def ask(key: str) -> None:
        order_headers = headers | {"Idempotency-Key": key}
        answer = Client(SERVER_NAME="localhost").post(
            "/api/v1/transactions", order | {"quantity": 1}, content_type="application/json", headers=order_headers
        )
        assert answer.status_code == 201, answer.content

    # The first use of an API key notes when it was.
    ask("first-use")
    counts = []
    for run in (
        lambda: propose(
            Proposal("10-50", (line,)), actor=Actor(world.user, f"user:{world.user}"), now=clock.real_now()
        ),
        lambda: ask("another"),
    ):
        with CaptureQueriesContext(connection) as captured:
            run()
        asked = [query["sql"].removeprefix("BEGIN; ") for query in captured]
        counts.append(sum(not sql.startswith(("BEGIN", "COMMIT")) for sql in asked))
    world.statements_of_operation, world.statements_of_api = counts
    worlds.write(world, path)


def main() -> None:
    """Do one of the steps."""
    django.setup()
    step, path = sys.argv[1], Path(sys.argv[2])
    if step == "people":
        people(path)
        link(path)
    elif step == "stock":
        stock(path, int(sys.argv[3]))
    else:
        count_statements(path)


if __name__ == "__main__":
    main()
