"""Links between two registries, their corridors, and what is in force on them (linking/migrations/sql/0001_tables.sql)."""

from django.db import models

from linking.rules.degrees import Degree


class Link(models.Model):
    """Two registries and how far they are linked. `open_corridor`: the one that is open at the degree *unilateral*."""

    first = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    second = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    degree = models.TextField(choices=[(str(row), str(row)) for row in Degree])
    open_corridor = models.ForeignKey("Corridor", models.PROTECT, null=True, related_name="+")

    class Meta:
        managed = False
        db_table = "linking_link"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.first} - {self.second}"


class Corridor(models.Model):
    """One direction of a link: what the destination recognises of the origin's units."""

    link = models.ForeignKey(Link, models.PROTECT, related_name="corridors")
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    destination = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    suspended_by_origin = models.BooleanField()
    suspended_by_destination = models.BooleanField()

    class Meta:
        managed = False
        db_table = "linking_corridor"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.origin} -> {self.destination}"


class Agreement(models.Model):
    """A version of a corridor's terms: in force in `[effective_from, superseded_at)`, settled until `last_settlement_at`."""

    corridor = models.ForeignKey(Corridor, models.PROTECT, related_name="agreements")
    version = models.IntegerField()
    instrument = models.ForeignKey("Instrument", models.PROTECT, related_name="+")
    terms = models.JSONField()
    digest = models.TextField()
    effective_from = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    last_settlement_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "linking_agreement"
        ordering = ["corridor_id", "version"]

    def __str__(self) -> str:
        return f"{self.corridor}, version {self.version}"


class Leave(models.Model):
    """The origin's consent that its units may leave by a corridor. `limit`: units a year; None: no limit."""

    corridor = models.ForeignKey(Corridor, models.PROTECT, related_name="leaves")
    instrument = models.ForeignKey("Instrument", models.PROTECT, related_name="+")
    limit = models.BigIntegerField(null=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "linking_leave"
        ordering = ["corridor_id", "id"]


class MechanismUnit(models.Model):
    """A unit type of a common mechanism, listed by both sides of a link."""

    pk = models.CompositePrimaryKey("link_id", "unit_type_id")
    link = models.ForeignKey(Link, models.PROTECT, related_name="mechanism_units")
    unit_type = models.ForeignKey("registry.UnitType", models.PROTECT, related_name="+")

    class Meta:
        managed = False
        db_table = "linking_mechanismunit"
        ordering = ["link_id", "unit_type_id"]


class Delinking(models.Model):
    """The end of a corridor: when notice was given and when it takes effect."""

    corridor = models.ForeignKey(Corridor, models.PROTECT, related_name="delinkings")
    instrument = models.ForeignKey("Instrument", models.PROTECT, related_name="+")
    noticed_at = models.DateTimeField()
    takes_effect_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "linking_delinking"
        ordering = ["corridor_id", "id"]


class FinalStatement(models.Model):
    """What is stated of the end of a corridor, as at the end of its notice; `content`: linking/rules/end_figures.py."""

    delinking = models.OneToOneField(Delinking, models.PROTECT, related_name="statement")
    content = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "linking_finalstatement"
        ordering = ["id"]
