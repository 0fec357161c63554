"""The tables of people and places, with the project's own user model from the start.

btree_gist is a trusted extension, so the owner of the database installs it; exclusion constraints need it.
"""
# ruff: noqa: E501 - Django's own texts, as makemigrations writes them.

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.operations
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.texts


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined"),
                ),
                ("language", models.CharField(default="en", max_length=10)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="AccountType",
            fields=[
                ("code", models.TextField(primary_key=True, serialize=False)),
                ("retires", models.BooleanField()),
                ("administrative", models.BooleanField()),
                ("standing", models.TextField()),
            ],
            options={
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(fields=("code", "retires"), name="type_retires_or_not"),
                    models.CheckConstraint(
                        condition=models.Q(("standing__in", ["held", "surrendered", "cancelled", "lapsed"])),
                        name="standing_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("retires", False), ("standing", "held")),
                            models.Q(models.Q(("standing", "held"), _negated=True), ("retires", True)),
                            _connector="OR",
                        ),
                        name="what_retires_is_not_held",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                (
                    "mode",
                    models.CharField(
                        choices=[("exercise", "Exercise"), ("pilot", "Pilot"), ("production", "Production")],
                        max_length=10,
                    ),
                ),
                ("clock_offset_seconds", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="there_is_one_deployment"),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["exercise", "pilot", "production"])),
                        name="mode_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("clock_offset_seconds__gte", 0)), name="clock_is_never_behind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode", "exercise"), ("clock_offset_seconds", 0), _connector="OR"),
                        name="clock_moves_only_in_exercise_mode",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Holder",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=300)),
                ("kind", models.CharField(choices=accounts.texts.holder_kind_choices, max_length=20)),
                ("country", models.CharField(max_length=2)),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="the holder's number in a public register",
                        max_length=100,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["organisation", "person", "authority"])),
                        name="holder_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^[A-Z]{2}$")), name="country_is_iso_3166_1"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Jurisdiction",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("code", models.CharField(max_length=6, unique=True)),
                ("registry_code", models.CharField(max_length=5, unique=True)),
                ("currency", models.CharField(max_length=3)),
                ("time_zone", models.CharField(max_length=40)),
                ("language", models.CharField(max_length=10)),
                ("caveat", models.CharField(blank=True, default="", max_length=60)),
                ("is_test", models.BooleanField(default=False)),
                ("next_account_number", models.BigIntegerField(default=1000001, editable=False)),
            ],
            options={
                "ordering": ["code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[A-Z]{2}-[A-Z0-9]{1,3}$")),
                        name="code_is_iso_3166_2",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "registry_code",
                                django.db.models.functions.text.Replace(
                                    models.F("code"), models.Value("-"), models.Value("")
                                ),
                            )
                        ),
                        name="registry_code_is_the_code_without_dash",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("next_account_number__gte", 1)),
                        name="account_numbers_are_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.CharField(help_text="permit or facility number", max_length=100)),
                ("name", models.CharField(max_length=300)),
                ("authority", models.CharField(blank=True, default="", max_length=300)),
                ("sector", models.CharField(blank=True, default="", max_length=300)),
                ("first_year", models.SmallIntegerField()),
                ("last_year", models.SmallIntegerField(blank=True, null=True)),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="installations",
                        to="accounts.jurisdiction",
                    ),
                ),
            ],
            options={
                "ordering": ["jurisdiction_id", "number"],
            },
        ),
        migrations.CreateModel(
            name="DatedRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("key", models.CharField(max_length=100)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, null=True)),
                ("value", models.JSONField()),
                ("confidence", models.CharField(choices=accounts.texts.confidence_choices, max_length=2)),
                ("source", models.TextField()),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rules",
                        to="accounts.jurisdiction",
                    ),
                ),
            ],
            options={
                "ordering": ["jurisdiction_id", "key", "valid_from", "id"],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("identifier", models.TextField(unique=True)),
                ("number", models.BigIntegerField()),
                ("name", models.CharField(max_length=300)),
                ("status", models.TextField(choices=accounts.texts.account_status_choices)),
                ("retires", models.BooleanField()),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="accounts.accounttype",
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="accounts.holder",
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="accounts.installation",
                    ),
                ),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="accounts.jurisdiction",
                    ),
                ),
            ],
            options={
                "ordering": ["identifier"],
            },
        ),
        migrations.CreateModel(
            name="Representative",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("rights", models.TextField(choices=accounts.texts.rights_choices)),
                ("state", models.TextField(choices=accounts.texts.representative_state_choices)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="representatives",
                        to="accounts.account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="represents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["account_id", "id"],
            },
        ),
        migrations.CreateModel(
            name="UserRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("role", models.CharField(choices=accounts.texts.role_choices, max_length=40)),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.jurisdiction",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_rows",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["user_id", "role", "id"],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=16, unique=True)),
                ("secret_hash", models.CharField(max_length=64)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("scopes__contained_by", ["read", "transact", "administer"]),
                            ("scopes__len__gt", 0),
                        ),
                        name="scopes_are_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="key_expires_after_it_was_made",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("secret_hash__regex", "^[0-9a-f]{64}$")),
                        name="only_a_hash_is_kept",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InstallationOperator",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, null=True)),
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operated",
                        to="accounts.holder",
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operators",
                        to="accounts.installation",
                    ),
                ),
            ],
            options={
                "ordering": ["installation_id", "valid_from", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("valid_from__lt", models.F("valid_to"))),
                        name="operator_operates_for_a_time",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("installation", "="),
                            (
                                models.Func(
                                    "valid_from",
                                    "valid_to",
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="one_operator_a_day",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="installation",
            constraint=models.UniqueConstraint(fields=("jurisdiction", "number"), name="installation_number_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="installation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("last_year__isnull", True), ("first_year__lte", models.F("last_year")), _connector="OR"
                ),
                name="first_year_is_not_after_last",
            ),
        ),
        migrations.AddConstraint(
            model_name="datedrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_from__lt", models.F("valid_to"))), name="rule_is_valid_for_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="datedrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("confidence__in", ["V", "D", "RH", "RM", "RL"])),
                name="confidence_mark_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="datedrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", ""), _negated=True), name="rule_names_its_source"
            ),
        ),
        migrations.AddConstraint(
            model_name="datedrule",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("jurisdiction", "="),
                    ("key", "="),
                    (
                        models.Func(
                            "valid_from",
                            "valid_to",
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="one_value_per_rule_and_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("jurisdiction", "number"), name="account_number_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "CLOSED"), _negated=True),
                fields=("installation",),
                name="one_operator_holding_account_per_installation",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="account_number_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("installation__isnull", False), ("type", "OHA")),
                    models.Q(models.Q(("type", "OHA"), _negated=True), ("installation__isnull", True)),
                    _connector="OR",
                ),
                name="operator_holding_account_has_an_installation",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", False), ("status", "CLOSED")),
                    models.Q(models.Q(("status", "CLOSED"), _negated=True), ("closed_at__isnull", True)),
                    _connector="OR",
                ),
                name="closed_account_has_a_closing_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["REQUESTED", "CLOSED"]), ("opened_at__isnull", False), _connector="OR"
                ),
                name="open_account_has_an_opening_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="representative",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["REMOVED", "REJECTED"]), _negated=True),
                fields=("account", "user"),
                name="representative_is_named_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="representative",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rights__in", ["READ_ONLY", "INITIATE", "APPROVE", "INITIATE_AND_APPROVE", "SURRENDER"])
                ),
                name="rights_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="representative",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["REQUESTED", "ACTIVE", "SUSPENDED", "REMOVED", "REJECTED"])),
                name="representative_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="userrole",
            constraint=models.UniqueConstraint(
                fields=("user", "role", "jurisdiction"), name="role_is_given_once", nulls_distinct=False
            ),
        ),
    ]
