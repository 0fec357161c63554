"""By which entry units abroad came: serials of one issuer, each with the number of the flow that brought it."""

from bisect import bisect_left, bisect_right, insort


class Whereabouts:
    """Half-open ranges of serials abroad, apart from one another, each with the flow it came by."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ranges: dict[int, tuple[int, int]] = {}

    def enter(self, first: int, following: int, number: int) -> None:
        """Take in `[first, following)` by a flow; what was there before is there no more."""
        self.leave(first, following)
        self._put(first, following, number)

    def leave(self, first: int, following: int) -> tuple[tuple[int, int], ...]:
        """Let `[first, following)` go; return the flows it came by, in serial order, each with its units."""
        found = self._within(first, following)
        for start, end, number in found:
            self._starts.pop(bisect_left(self._starts, start))
            del self._ranges[start]
            if start < first:
                self._put(start, first, number)
            if end > following:
                self._put(following, end, number)
        return _clipped(found, first, following)

    def came_by(self, first: int, following: int) -> tuple[tuple[int, int], ...]:
        """Return the flows that `[first, following)` came by, in serial order, each with its units."""
        return _clipped(self._within(first, following), first, following)

    def _within(self, first: int, following: int) -> list[tuple[int, int, int]]:
        place = max(bisect_right(self._starts, first) - 1, 0)
        found = []
        for start in self._starts[place : bisect_left(self._starts, following)]:
            end, number = self._ranges[start]
            if end > first:
                found.append((start, end, number))
        return found

    def _put(self, first: int, following: int, number: int) -> None:
        insort(self._starts, first)
        self._ranges[first] = (following, number)


def _clipped(found: list[tuple[int, int, int]], first: int, following: int) -> tuple[tuple[int, int], ...]:
    return tuple((number, min(end, following) - max(start, first)) for start, end, number in found)
