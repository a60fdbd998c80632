"""What is dealt by rules, to whom, on which terms, and what comes of it: cases as columns, people, rules, the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


Bools = npt.NDArray[np.bool_]


class Way(StrEnum):
    """How a rule divides its cases."""

    ROUND_ROBIN = "round_robin"
    """One each in turn, whatever they have."""
    BY_LOAD = "by_load"
    """The next case goes to who has fewest open."""
    KEEP_AGENT = "keep_agent"
    """To who had the borrower before, if still eligible; the others by load."""


class Miss(IntEnum):
    """Why a case was not placed; of several rules the highest is told."""

    NO_RULE = 0
    NO_ONE = 1
    NO_SKILL = 2
    FULL = 3


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of words or ids as codes: position in `values`, -1 for none."""

    codes: Ints
    values: tuple[Any, ...]

    def among(self, wanted: Sequence[Any]) -> Bools:
        """Rows whose value is one of these."""
        return np.isin(self.codes, [code for code, held in enumerate(self.values) if held in set(wanted)])

    def known_to(self, skills: Sequence[Any]) -> Bools:
        """By code, with none as the last: whether somebody with these skills (empty: any) can work it."""
        if not skills:
            return np.ones(len(self.values) + 1, bool)
        return np.array([held in set(skills) for held in self.values] + [False])


@dataclass(frozen=True, slots=True)
class Cases:
    """Cases to deal, highest priority first, as columns."""

    ids: Ints
    stage: Coded
    product: Coded
    region: Coded
    language: Coded
    risk_band: Ints
    dpd: Ints
    overdue: Ints
    """Hundredths of the currency, as `outstanding`."""
    outstanding: Ints
    owner: Ints
    """Id of who has it; 0: nobody."""
    previous: Ints
    """Id of who had the borrower before; 0: nobody."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be dealt cases."""

    id: int
    load: int
    """Open cases that are not among those dealt."""
    capacity: int | None
    product_ids: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    is_available: bool = True
    """Present today, with papers in order."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A rule's conditions (an empty one asks nothing), whom it gives to, and how. Amounts in hundredths."""

    person_ids: tuple[int, ...]
    way: Way
    stages: tuple[str, ...] = ()
    product_ids: tuple[int, ...] = ()
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    risk_bands: tuple[int, ...] = ()
    dpd: tuple[int | None, int | None] = (None, None)
    overdue: tuple[int | None, int | None] = (None, None)
    outstanding: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who gets each case, by which rule, and why some get nobody."""

    owner: Ints
    """Id of a person by case; 0: nobody."""
    rule: Ints
    """Position of the rule that placed it, or of the last that could not; `NOBODY` where none matched."""
    placed: Bools
    """By a rule. Not placed and with an owner: stays where it is."""
    miss: Ints
    """A `Miss` by case; of meaning where not placed."""
