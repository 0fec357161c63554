"""One measured run: how many, how fast, what went wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """Transfers per second over all clients; latencies in microseconds; errors shown to a client."""

    per_second: float
    p50_microseconds: float
    p99_microseconds: float
    errors: int = 0
    first_error: str = ""

    def as_json(self) -> dict[str, float | int | str]:
        """Return the figure as it is recorded."""
        return asdict(self)


def quantile(ordered: Sequence[int], parts_of_hundred: int) -> float:
    """Return a percentile of sorted values; 0 where there are none."""
    if not ordered:
        return 0.0
    return float(ordered[min(len(ordered) - 1, len(ordered) * parts_of_hundred // 100)])


def summed(latencies: list[list[int]], seconds: list[float], errors: int, first_error: str) -> Figure:
    """Put the clients of one run together. Each client's own time counts, so a late starter costs nothing."""
    together = sorted(value for client in latencies for value in client)
    return Figure(
        per_second=sum(len(client) / time for client, time in zip(latencies, seconds, strict=True)),
        p50_microseconds=quantile(together, 50),
        p99_microseconds=quantile(together, 99),
        errors=errors,
        first_error=first_error,
    )


def of_repetitions(repetitions: Sequence[Figure]) -> Figure:
    """Return the median of interleaved repetitions; errors are added up."""
    return Figure(
        per_second=median(figure.per_second for figure in repetitions),
        p50_microseconds=median(figure.p50_microseconds for figure in repetitions),
        p99_microseconds=median(figure.p99_microseconds for figure in repetitions),
        errors=sum(figure.errors for figure in repetitions),
        first_error=next((figure.first_error for figure in repetitions if figure.first_error), ""),
    )
