"""What units cost in the three cities, and what a dollar did: what makes the demo's flows plausible, each with its source.

Prices of a year are ranges where no single figure was read. Marks as in the facts file: V read in a source, RM and RL recalled,
to be confirmed. Exchange rates were read in the statistical releases G.5A (annual averages, release of 4 January 2016: 2015) and
G.5 (monthly averages, release of 1 July 2024: June 2024) of the Board of Governors of the Federal Reserve System.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

# The demo tells the year of the report that it follows: Beijing's units were cheaper than Tokyo's. In 2024 it was the reverse.
TOLD = 2016
OTHER = 2024


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit (1 t CO2e) cost, in the city's currency, from `least` to `most`; the facts file's key and mark."""

    currency: str
    least: Fraction
    most: Fraction
    source: str
    confidence: str

    @property
    def middle(self) -> Fraction:
        """The middle of the range."""
        return (self.least + self.most) / 2


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """Units of a currency for one dollar."""

    per_dollar: Fraction
    source: str
    confidence: str = "V"


PRICES: Mapping[int, Mapping[str, Price]] = {
    2016: {
        "CN-BJ": Price("CNY", Fraction(40), Fraction(60), "facts file, Beijing, price 2013-16", "RM"),
        "JP-13": Price("JPY", Fraction(1500), Fraction(4500), "facts file, Tokyo, price 2015-16", "RL"),
        "KR-11": Price("KRW", Fraction(7860), Fraction(12000), "facts file, Seoul, price 2015", "RM"),
    },
    2024: {
        "CN-BJ": Price(
            "CNY", Fraction(10489, 100), Fraction(10489, 100), "facts file, Beijing, auction of September 2024", "V"
        ),
        "JP-13": Price("JPY", Fraction(200), Fraction(700), "facts file, Tokyo, price 2018-24", "RM"),
        "KR-11": Price("KRW", Fraction(8000), Fraction(11000), "facts file, Seoul, price 2024-25", "RM"),
    },
}
_G5A, _G5 = "Federal Reserve G.5A, average of 2015", "Federal Reserve G.5, average of June 2024"
RATES: Mapping[int, Mapping[str, ExchangeRate]] = {
    2016: {
        "CNY": ExchangeRate(Fraction(62827, 10_000), _G5A),
        "JPY": ExchangeRate(Fraction(12105, 100), _G5A),
        "KRW": ExchangeRate(Fraction(113096, 100), _G5A),
    },
    2024: {
        "CNY": ExchangeRate(Fraction(72547, 10_000), _G5),
        "JPY": ExchangeRate(Fraction(15786, 100), _G5),
        "KRW": ExchangeRate(Fraction(13790526, 10_000), _G5),
    },
}


def in_dollars(year: int, city: str) -> Fraction:
    """Return the middle price of a unit in dollars, exactly."""
    price = PRICES[year][city]
    return price.middle / RATES[year][price.currency].per_dollar


def cheaper(year: int, one: str, other: str) -> str:
    """Return the city of two whose units were cheaper: they flow to the other."""
    return min((one, other), key=lambda city: in_dollars(year, city))
