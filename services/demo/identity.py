"""Names, numbers and addresses of the demo's people. All invented: mail goes to reserved domains only."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.demo.book import Ints
from services.demo.columns import constant, joined, numbered, pick
from services.demo.people import FIRST_NAMES, LAST_NAMES, MAIL_DOMAINS, PLACES, STREETS

_LANGUAGES = tuple(FIRST_NAMES)


def names(rng: np.random.Generator, place: Ints) -> pa.Array:
    """A name in keeping with the place of each borrower."""
    language = np.array([_LANGUAGES.index(p.language) for p in PLACES])[place]
    first, last = (_drawn(rng, table, language) for table in (FIRST_NAMES, LAST_NAMES))
    return pc.binary_join_element_wise(first, last, pa.scalar(" "))


def _drawn(rng: np.random.Generator, table: dict[str, str], language: Ints) -> pa.Array:
    lists = [table[code].split() for code in _LANGUAGES]
    words = [word for words in lists for word in words]
    sizes = np.array([len(words) for words in lists])
    starts = np.cumsum(sizes) - sizes
    return pick(words, starts[language] + rng.integers(0, sizes[language]))


def phones(rng: np.random.Generator, size: int) -> pa.Array:
    """Numbers of one block, +91 90000 xxxxx, that the demo keeps to; the product sends nothing to them."""
    return numbered("+9190000", rng.integers(0, 100_000, size), 5)


def emails(rng: np.random.Generator, names_of: pa.Array, numbers: Ints) -> pa.Array:
    """Addresses at reserved domains, such as 'sunita.verma.1042@example.com'."""
    dotted = pc.replace_substring(pc.utf8_lower(names_of), " ", ".")
    domain = pick(MAIL_DOMAINS, rng.integers(0, len(MAIL_DOMAINS), len(numbers)))
    return joined(dotted, constant(".", len(numbers)), pa.array(numbers).cast(pa.string()), pa.scalar("@"), domain)


def addresses(rng: np.random.Generator, place: Ints) -> pa.Array:
    """A house number, a street and the city with its PIN code."""
    house = pa.array(rng.integers(1, 400, len(place))).cast(pa.string())
    street = pick(STREETS, rng.integers(0, len(STREETS), len(place)))
    pin = np.array([p.pin for p in PLACES])[place] + rng.integers(0, 40, len(place))
    city = pick([p.city for p in PLACES], place)
    comma = pa.scalar(", ")
    return joined(house, comma, street, comma, city, pa.scalar(" "), pa.array(pin).cast(pa.string()))
