"""The sign of life that beat asks for and a worker leaves in Valkey. Plain values: the launcher reads it without Django."""

HEARTBEAT_KEY = "registry:heartbeat"
HEARTBEAT_PERIOD_SECONDS = 10
HEARTBEAT_LASTS_SECONDS = 35
