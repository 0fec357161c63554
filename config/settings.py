"""Settings of a deployment. Everything that differs between deployments comes from the environment."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config import environment
from config.heartbeat import HEARTBEAT_PERIOD_SECONDS

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = environment.flag("DJANGO_DEBUG")
# Empty is refused by Django on first use; commands that sign nothing (`makemigrations`) need none.
SECRET_KEY = environment.text("DJANGO_SECRET_KEY", "")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "audit",
    "accounts",
    "registry",
    "linking",
    "config",
]
# Of the development packages: it keeps each app's migrations in one line.
if find_spec("django_linear_migrations"):
    INSTALLED_APPS.append("django_linear_migrations")
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.content_security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# `default` is the application's role, which can only do what it must; `owner` owns the tables and is used by
# `migrate --database=owner` alone. Web and worker processes are started without the owner's address.
# Without an address there is no database; `manage.py demo`, `makemigrations` and `collectstatic` need none.
DATABASES: dict[str, dict[str, Any]] = {"default": {}}
if application_url := environment.text("DATABASE_URL", ""):
    DATABASES["default"] = environment.database(application_url) | {"CONN_MAX_AGE": 0}
    # Requests are short: starting parallel workers or a compiler takes longer than any of their statements.
    DATABASES["default"]["OPTIONS"].setdefault("options", "-c max_parallel_workers_per_gather=0 -c jit=off")
    DATABASES["default"]["OPTIONS"] |= {"pool": {"min_size": 1, "max_size": 20, "timeout": 10}}
if owner_url := environment.text("DATABASE_OWNER_URL", ""):
    DATABASES["owner"] = environment.database(owner_url)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) if REDIS_URL.startswith("unix://") else REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TIMEZONE = "UTC"
# Beat keeps no schedule file: what is due is a row, and a missed tick is found by the next.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {
        "task": "config.tasks.heartbeat",
        "schedule": HEARTBEAT_PERIOD_SECONDS,
        "options": {"expires": HEARTBEAT_PERIOD_SECONDS},
    },
    "run-due": {"task": "registry.tasks.run_due", "schedule": 60, "options": {"expires": 60}},
    "tally-turnovers": {"task": "registry.tasks.tally_turnovers", "schedule": 600, "options": {"expires": 600}},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

REGISTRY_MODE = environment.text("REGISTRY_MODE", "exercise")
# The one seam that goes up a floor: who settles a transaction. Found by dotted path, as Django finds
# authentication backends.
REGISTRY_SETTLEMENT = {
    "internal": "registry.settlement.InternalSettlement",
    "external": "linking.settlement.LinkedSettlement",
}
# Who says, one floor up, whether the value of a dated rule can be read; `set_rule` refuses any other.
RULE_READERS = ("registry.rules.cover_the_excess.understands",)
# And what `verify_ledger` looks at above the registry.
REGISTRY_VERIFIERS = ("linking.verification.LinkVerifier",)

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文"), ("ja", "日本語"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
# Pages say times in UTC, and say so (config/formats).
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "static/"
# An image collects its static files into one folder; without one they are served from where they lie.
STATIC_ROOT = environment.text("STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "config.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Linked emissions-unit registry",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "DESCRIPTION": "Units of 1 t CO2e, their accounts and their transactions. See docs/api.md.",
    "POSTPROCESSING_HOOKS": ["config.openapi.document_problems"],
    # Enumerations are printed where they are used.
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.flag("SECURE_COOKIES")

# An unexpected error says nothing to the caller, so it must say everything here.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "level": "WARNING", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
