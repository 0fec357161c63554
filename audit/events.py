"""The names of what the log records: one table. A name is public, stable and never used for anything else."""

from collections.abc import Mapping

# name: what it records. Apps above name their events here, so that a reader of the log finds all in one place.
EVENTS: Mapping[str, str] = {
    # the deployment
    "deployment.clock-moved": "an exercise's clock was moved forward",
    # accounts
    "jurisdiction.made": "a jurisdiction was set up",
    "rule.set": "a dated rule was recorded or ended",
    "calendar.day-set": "a day was recorded to work or not, over what the calendar said of it",
    "account.opened": "an account was requested or opened",
    "account.status-changed": "an account was restricted, released, suspended or closed",
    "account.options-set": "what an account's holder chose was recorded: who surrenders or sends alone, and to whom",
    "trusted-account.requested": "an account was asked to be trusted",
    "trusted-account.approved": "an account will be trusted from a time on",
    "trusted-account.rejected": "an account was not accepted as trusted",
    "trusted-account.withdrawn": "a request to trust an account was taken back",
    "trusted-account.removed": "an account is no longer trusted",
    "representative.nominated": "a user was nominated as a representative",
    "representative.state-changed": "a nomination was decided, suspended or removed",
    "installation.operator-changed": "an installation got another operator",
    "api-key.created": "an API key was made",
    "api-key.revoked": "an API key was revoked",
    # registry
    "cap.set": "an issuance cap was recorded",
    "unit-validity.set": "the end of the validity of units of a vintage was recorded",
    "limit.set": "what may leave an account per transaction and per day was recorded",
    "holding-limit.set": "what each holder of a jurisdiction may hold was made anew by its rule",
    "transaction.issuance": "units were issued under a cap",
    "transaction.allocation": "an installation received its allocation",
    "transaction.auction-delivery": "bought units were delivered",
    "transaction.transfer": "units moved between accounts of one registry",
    "transaction.external-transfer": "units moved across a link",
    "transaction.surrender": "units were surrendered for an obligation",
    "transaction.cancellation": "units were cancelled voluntarily",
    "transaction.mandatory-cancellation": "units were cancelled by order",
    "transaction.return": "an excess allocation was returned",
    "transaction.carry-over": "units were banked into the next period",
    "transaction.conversion": "units of one type became units of another",
    "transaction.closure": "an account that closes was emptied",
    "transaction.lapse": "units lapsed with their validity",
    "transaction.reversal": "an earlier transaction was undone",
    "transaction.correction": "the registry's own error was corrected",
    "transaction.refused": "a proposal was refused, with the codes of every check that failed",
    "transaction.proposed": "a proposal was accepted and waits, its units reserved",
    "transaction.batch": "several proposals were made in one request; each has its own entry",
    "transaction.step-refused": "a step of a waiting transaction was refused, with the codes of every check that failed",
    "transaction.approved": "another person approved a transaction",
    "transaction.rejected": "another person refused a transaction",
    "transaction.withdrawn": "a waiting transaction was withdrawn",
    "transaction.expired": "nobody approved a proposal in time",
    "transaction.due": "a delayed transaction was executed",
    "transaction.check-failed": "a delayed transaction was terminated, with the codes of every check that failed",
    "freeze.set": "one person froze a transaction, an account or a range of serials",
    "freeze.release-requested": "one person asked for the release of a freeze",
    "freeze.release-withdrawn": "who asked for the release of a freeze took the request back",
    "freeze.released": "another person released a freeze",
    "allocation-table.loaded": "an allocation table was read and validated",
    "allocation-table.approved": "an allocation table was approved",
    "allocation.excess-recorded": "it was recorded how much of a delivered allocation was too much",
    "allocation.withheld": "a row of an allocation table was withheld or released",
    "emissions.recorded": "verified emissions were recorded or corrected",
    "base.recorded": "a facility's base and factor for a year were recorded or corrected",
    "excess-credits.applied": "excess credits were applied for, with what was issuable and why",
    "obligation.recorded": "an obligation was recorded or changed",
    "obligation.deadline-moved": "deadlines of a year follow a rule or a calendar that has changed",
    "compliance.status-determined": "compliance statuses were determined",
}


class UnknownEvent(ValueError):
    """An event has no row in the table of event names."""
