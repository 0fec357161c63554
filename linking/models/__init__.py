"""The link's tables: models for reading only, since PostgreSQL writes them from what was signed and what has moved."""

from linking.models.forms import SentForm
from linking.models.instruments import Condition, DegreeChange, Instrument, Signature, Suspension
from linking.models.links import Agreement, Corridor, Delinking, FinalStatement, Leave, Link, MechanismUnit
from linking.models.quotas import Margin, Quota, QuotaUse
from linking.models.thefts import Notice, TheftCase

__all__ = [
    "Agreement",
    "Condition",
    "Corridor",
    "DegreeChange",
    "Delinking",
    "FinalStatement",
    "Instrument",
    "Leave",
    "Link",
    "Margin",
    "MechanismUnit",
    "Notice",
    "Quota",
    "QuotaUse",
    "SentForm",
    "Signature",
    "Suspension",
    "TheftCase",
]
