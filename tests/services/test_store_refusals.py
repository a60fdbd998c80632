"""What the store could not take is told as something to mend; what is nobody's input is not."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.store_refusals import refusal_of


@pytest.mark.parametrize(
    ("statement", "value", "said"),
    [
        ("SELECT :value", "a\0b", "A text holds a character"),
        ("SELECT CAST(:value AS jsonb) ->> 'note'", '{"note": "a\\u0000b"}', "A text holds a character"),
        ("SELECT CAST(:value AS numeric(5, 2))", 10**9, "A number or a date is beyond"),
        ("SELECT CAST(:value AS date)", "2026-02-31", "A number or a date is beyond"),
    ],
)
def test_what_was_typed_is_refused_in_words(session, statement, value, said):
    with pytest.raises(DBAPIError) as caught:
        session.execute(text(statement), {"value": value}).all()
    assert refusal_of(caught.value).message.startswith(said)


def test_faults_of_ours_are_no_refusals(session):
    with pytest.raises(DBAPIError) as caught:
        session.execute(text("SELECT 1 / 0"))
    assert refusal_of(caught.value) is None
    assert refusal_of(ValueError("NUL")) is None
