"""A sensible order for a day's visits: short ways, and appointments in the order of their times.

Cheapest insertion, then moving single stops to where they cost least, on straight lines over the earth. A day has some
tens of stops: that is within a few percent of the best tour, at once. Streets are not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

from services.visits.values import Position

EARTH_RADIUS_M = 6_371_000
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Stop:
    """Somewhere to be on the day."""

    id: int
    position: Position | None
    """None: not on the map."""
    appointed_at: time | None = None
    area: str = ""
    """PIN code, or else the town: neighbouring PIN codes are neighbouring places."""


def metres(one: Position, other: Position) -> float:
    """The way between two points over the earth, in metres (haversine)."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    half = sin((lat2 - lat1) / 2) ** 2
    half += cos(lat1) * cos(lat2) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def ordered(stops: Sequence[Stop], *, start: Position | None = None) -> list[int]:
    """The ids in the order in which they are visited.

    Stops with a time keep the order of their times; the others come where they cost the shortest detour. Those without
    a position come last: the ones with a time first, the others by area.

    Args:
        stops: of one day.
        start: where the agent sets out; None: wherever the first stop is.
    """
    placed = [stop for stop in stops if stop.position is not None]
    nowhere = sorted((stop for stop in stops if stop.position is None), key=_by_time)
    fixed = sorted((stop for stop in placed if stop.appointed_at is not None), key=_by_time)
    free = sorted((stop for stop in placed if stop.appointed_at is None), key=lambda stop: stop.id)
    route = list(fixed)
    while free:
        stop, place = min(
            ((stop, place) for stop in free for place in range(len(route) + 1)),
            key=lambda choice: (_detour(route, choice[0], choice[1], start), choice[0].id, choice[1]),
        )
        route.insert(place, stop)
        free.remove(stop)
    return [stop.id for stop in (*_improved(route, start), *nowhere)]


def length(stops: Sequence[Stop], *, start: Position | None = None) -> float:
    """Metres of the way through stops that have a position, in the order given."""
    points = ([start] if start else []) + [stop.position for stop in stops if stop.position is not None]
    return sum(metres(one, other) for one, other in pairwise(points))


def _by_time(stop: Stop) -> tuple[bool, time, str, int]:
    return (stop.appointed_at is None, stop.appointed_at or time(0), stop.area, stop.id)


def _detour(route: Sequence[Stop], stop: Stop, place: int, start: Position | None) -> float:
    """How much longer the way becomes with the stop at a place of the route."""
    assert stop.position is not None
    before = route[place - 1].position if place else start
    after = route[place].position if place < len(route) else None
    added = (metres(before, stop.position) if before else 0.0) + (metres(stop.position, after) if after else 0.0)
    return added - (metres(before, after) if before and after else 0.0)


def _improved(route: list[Stop], start: Position | None) -> list[Stop]:
    """The route with free stops moved to where they cost least, until nothing gains."""
    for _round in range(_ROUNDS):
        has_moved = False
        for stop in [stop for stop in route if stop.appointed_at is None]:
            now = route.index(stop)
            rest = route[:now] + route[now + 1 :]
            costs = [_detour(rest, stop, place, start) for place in range(len(rest) + 1)]
            best = min(range(len(costs)), key=costs.__getitem__)
            if costs[best] < costs[now] - 1:  # a metre: so that it ends
                rest.insert(best, stop)
                route, has_moved = rest, True
        if not has_moved:
            break
    return route
