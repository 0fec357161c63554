"""The figures that a replay prints: what was expected, what was found, and whether they agree."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, an integer each."""

    name: str
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        """Whether it was found as expected."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay did: figures, and sentences about what it invented, left out or found otherwise."""

    title: str
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every figure was found as expected."""
        return all(figure.agrees for figure in self.figures)


def printed(report: Report) -> str:
    """Return a report as a person reads it."""
    width = max(len(figure.name) for figure in report.figures)
    lines = [report.title, "", f"{'figure':{width}}  {'expected':>15}  {'found':>15}"]
    lines += [_line(figure, width) for figure in report.figures]
    return "\n".join([*lines, "", *report.remarks])


def _line(figure: Figure, width: int) -> str:
    mark = "" if figure.agrees else "  DIFFERS"
    return f"{figure.name:{width}}  {figure.expected:>15,}  {figure.found:>15,}{mark}"


def counted(names: Sequence[str], expected: Sequence[int], found: Sequence[int]) -> tuple[Figure, ...]:
    """Return one figure for each name."""
    return tuple(map(Figure, names, expected, found))
