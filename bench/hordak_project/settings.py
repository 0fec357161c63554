"""Settings of the project that runs django-hordak; the address of its database is in the environment, as the registry's."""

from config import environment

SECRET_KEY = "signs nothing"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"]
DATABASES = {"default": environment.database(environment.text("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DEFAULT_CURRENCY = "EUR"
USE_TZ = True
