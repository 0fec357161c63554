"""How the properties of this folder are tried: the same examples in every run, however long one takes."""

from hypothesis import HealthCheck, settings

SAME_EXAMPLES = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
