"""The order of a day's visits."""

from datetime import time

from hypothesis import given, settings
from hypothesis import strategies as st

from services.visits.routing import Stop, length, metres, ordered
from services.visits.values import Position

_POSITIONS = st.builds(Position, st.floats(18.9, 19.3), st.floats(72.7, 73.1))
_STOPS = st.lists(
    st.tuples(st.none() | _POSITIONS, st.none() | st.times(min_value=time(8), max_value=time(19))), max_size=14
).map(lambda made: [Stop(number, *each) for number, each in enumerate(made)])


def test_metres_between_two_cities():
    mumbai, pune = Position(19.0760, 72.8777), Position(18.5204, 73.8567)
    assert 119_000 < metres(mumbai, pune) < 121_000
    assert metres(mumbai, mumbai) == 0


def test_stops_along_a_road_are_visited_along_it():
    road = [Stop(number, Position(19 + place / 100, 72.8)) for number, place in enumerate((5, 1, 4, 2, 3))]
    assert ordered(road, start=Position(19, 72.8)) == [1, 3, 4, 2, 0]


def test_stops_that_are_not_on_the_map_go_by_area_after_those_with_a_time():
    areas = ("641040", "411001", "302001", "411001")
    stops = [Stop(number, None, area=area) for number, area in enumerate(areas)]
    assert ordered([*stops, Stop(9, None, time(16), "700001")]) == [9, 2, 1, 3, 0]


@settings(max_examples=80, deadline=None)
@given(stops=_STOPS, start=st.none() | _POSITIONS)
def test_every_stop_is_visited_once_and_appointments_keep_their_order(stops, start):
    order = ordered(stops, start=start)
    assert sorted(order) == [stop.id for stop in stops]
    by_id = {stop.id: stop for stop in stops}
    placed = [by_id[each] for each in order if by_id[each].position is not None]
    agreed = [stop.appointed_at for stop in placed if stop.appointed_at is not None]
    assert agreed == sorted(agreed)
    nowhere = [by_id[each].position is None for each in order]
    assert nowhere == sorted(nowhere)


@settings(max_examples=60, deadline=None)
@given(points=st.lists(_POSITIONS, min_size=2, max_size=12), start=_POSITIONS)
def test_the_way_is_no_longer_than_always_going_to_the_nearest_by_a_third(points, start):
    stops = [Stop(number, point) for number, point in enumerate(points)]
    by_id = {stop.id: stop for stop in stops}
    way = length([by_id[each] for each in ordered(stops, start=start)], start=start)
    here, left, nearest = start, list(points), 0.0
    while left:
        following = min(left, key=lambda point: metres(here, point))
        nearest += metres(here, following)
        left.remove(following)
        here = following
    assert way <= nearest * 1.34 + 1
