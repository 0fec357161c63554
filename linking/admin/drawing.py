"""Drawings of the link's pages as SVG, made here so that pages need no script: whole numbers in, a picture out.

Nothing is said by colour alone: every mark has its text beside it or its number in a table, and a title that tells it. The
classes are those of static/linking/links.css; there is no inline style, as the content-security policy asks.
"""

from collections.abc import Sequence
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.texts import text
from linking.rules.degrees import Degree
from linking.rules.reciprocity import Level

# A drawing is this wide, in its own units; the page lets it grow and shrink.
WIDTH = 1000
# A meter stands in a corridor's column, half as wide as the page.
METER_WIDTH = 500


def scaled(value: int, greatest: int, length: int) -> int:
    """Return how long a value is where `greatest` has `length`: rounded down, but what is there is seen."""
    if value <= 0 or greatest <= 0:
        return 0
    return max(1, min(length, value * length // greatest))


def continuum(present: Degree, columns: int = len(Degree)) -> SafeString:
    """Return the seven steps of the continuum with the present one marked, by a frame, a sign and a word.

    `columns`: steps in a row; fewer of them are larger in a narrow window.
    """
    slot, row_height = WIDTH // len(Degree), 84
    steps = format_html_join(
        "\n",
        '<g class="step {}"><polygon points="{}"/><text x="{}" y="{}">{}</text>'
        '<text class="step-mark" x="{}" y="{}">{}</text><title>{}</title></g>',
        (
            (
                "is-present" if step is present else "is-reached" if step.rank < present.rank else "is-ahead",
                _arrow(column * slot + 2, row * row_height + 4, slot - 8),
                column * slot + slot // 2 + 2,
                row * row_height + 34,
                text(f"degree.{step}"),
                column * slot + slot // 2,
                row * row_height + 72,
                f"▲ {text('link.present')}" if step is present else "",
                text(f"degree-lets.{step}"),
            )
            for step in Degree
            for row, column in [divmod(step.rank, columns)]
        ),
    )
    named = f"{text('link.degree')}: {text(f'degree.{present}')}"
    rows = -(-len(Degree) // columns)
    shape = "wide" if rows == 1 else "narrow"
    return format_html(
        '<svg class="continuum is-{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        shape, columns * slot, rows * row_height, named, steps,
    )  # fmt: skip


def _arrow(left: int, top: int, width: int) -> str:
    right, middle, bottom, nose = left + width, top + 24, top + 48, 12
    return f"{left},{top} {right - nose},{top} {right},{middle} {right - nose},{bottom} {left},{bottom} {left + nose},{middle}"


def quota_bar(limit: int, reserved: int, used: int) -> SafeString:
    """Return a quota as a bar: used is full, reserved hatched, left empty; a line marks a limit that is passed."""
    whole = max(limit, reserved + used, 1)
    full, hatched = scaled(used, whole, WIDTH), scaled(reserved, whole, WIDTH)
    hatched = min(hatched, WIDTH - full)
    mark = ""
    if reserved + used > limit:
        place = limit * WIDTH // whole
        mark = format_html('<line class="bar-limit" x1="{0}" x2="{0}" y1="0" y2="40"/>', place)
    told = f"{text('link.used')} {used:,}, {text('link.reserved')} {reserved:,}, {text('link.limit')} {limit:,}"
    return format_html(
        '<svg class="bar" viewBox="0 0 {} 40" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="bar-whole" width="{}" height="40"/><rect class="bar-used" width="{}" height="40"/>'
        '<rect class="bar-reserved" x="{}" width="{}" height="40"/>{}</svg>',
        WIDTH, told, told, WIDTH, full, full, hatched, mark,
    )  # fmt: skip


Series = Sequence[tuple[str, int, int]]


def flows_chart(above: tuple[str, Series], below: tuple[str, Series]) -> SafeString:
    """Return the flows of two corridors by month: one above the axis, the other below it.

    Of each month (its name, units that entered, units that went home): a full bar and, beside it, a hatched one.
    """
    height, axis = 130, 150
    greatest = max([1, *(units for _, rows in (above, below) for _, *pair in rows for units in pair)])
    slot = (WIDTH - 60) // max(1, len(above[1]))
    bars = []
    for (corridor, rows), is_above in ((above, True), (below, False)):
        for place, (month, entered, went_home) in enumerate(rows):
            for turn, (name, units) in enumerate((("entered", entered), ("went-home", went_home))):
                tall = scaled(units, greatest, height)
                bars.append(
                    (
                        name,
                        60 + place * slot + slot // 6 + turn * (slot // 3),
                        axis - tall if is_above else axis + 1,
                        slot // 3 - 2,
                        tall,
                        f"{month}, {corridor}, {text(f'link.{name}')}: {units:,}",
                    )
                )
    drawn = format_html_join(
        "\n",
        '<rect class="flow flow-{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        bars,
    )
    months = format_html_join(
        "\n",
        '<text class="flow-month" x="{}" y="318">{}</text>',
        ((60 + place * slot + slot // 2, month) for place, (month, *_) in enumerate(above[1])),
    )
    return format_html(
        '<svg class="flows" viewBox="0 0 {} 326" role="img" aria-label="{}">'
        '<text class="flow-scale" x="54" y="28">{}</text><text class="flow-scale" x="54" y="154">0</text>'
        '<text class="flow-scale" x="54" y="284">{}</text>'
        '<text class="flow-name" x="64" y="14">▲ {}</text><text class="flow-name" x="64" y="300">▼ {}</text>'
        '<line class="flow-line" x1="60" x2="{}" y1="20" y2="20"/><line class="flow-line" x1="60" x2="{}" y1="281" y2="281"/>'
        '{}<line class="flow-axis" x1="60" x2="{}" y1="150" y2="150"/>{}</svg>',
        WIDTH, text("link.flows"), f"{greatest:,}", f"{greatest:,}", above[0], below[0], WIDTH, WIDTH, drawn, WIDTH, months,
    )  # fmt: skip


def imbalance_meter(imbalance: int, thresholds: Sequence[tuple[int, Level]]) -> SafeString:
    """Return the imbalance on a scale with the thresholds of the clause, rising, each with its name and number."""
    least = min(0, imbalance)
    greatest = max([imbalance, *(at for at, _ in thresholds)], default=1)
    # Room beyond the last threshold, for its label, and so that what is over it is seen to be.
    span = max(1, (greatest - least) * 7 // 5)

    def place(at: int) -> int:
        return 10 + (at - least) * (METER_WIDTH - 20) // span

    levels = [Level.QUIET, *(level for _, level in thresholds)]
    edges = [10, *(place(at) for at, _ in thresholds), METER_WIDTH - 10]
    zones = format_html_join(
        "\n",
        '<rect class="zone zone-{}" x="{}" y="34" width="{}" height="18"><title>{}</title></rect>',
        (
            (level, start, max(0, end - start), text(f"reciprocity-level.{level}"))
            for level, (start, end) in zip(levels, pairwise(edges), strict=True)
        ),
    )
    # The last one's label is the highest, so that no line crosses a label.
    labels = format_html_join(
        "\n",
        '<line class="zone-line" x1="{0}" x2="{0}" y1="32" y2="{1}"/><text class="zone-label" x="{2}" y="{1}">{3}</text>',
        (
            (place(at), 50 + 18 * turn, place(at) + 4, f"{text(f'reciprocity-level.{level}')} {at:,}")
            for turn, (at, level) in enumerate(reversed(thresholds), start=1)
        ),
    )
    here = place(imbalance)
    side = "at-end" if here > METER_WIDTH * 3 // 4 else "at-start" if here < METER_WIDTH // 4 else "at-middle"
    told = f"{text('link.imbalance')} {imbalance:,}"
    return format_html(
        '<svg class="meter" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}'
        '<polygon class="needle" points="{},34 {},22 {},22"/><text class="needle-label {}" x="{}" y="17">{}</text></svg>',
        METER_WIDTH, 58 + 18 * len(thresholds), told, zones, labels, here, here - 7, here + 7, side, here, told,
    )  # fmt: skip
