"""The audit trail: what can be found in it, and that nothing in it can be changed unnoticed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Column, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from db.base import Base
from db.engine import transaction
from db.models.owes import Borrower
from services import audit, clock
from services.actors import SYSTEM, Actor
from services.audit import sealing, searching, verifying
from services.audit.searching import Search
from services.errors import InvalidInput, NotAllowed


def act(session: Session, actor: Actor, action: str = "promise.recorded", **over) -> None:
    audit.record(session, actor, action, subject=("promise", 1), summary=f"did {action}", **over)


def make_borrower(session: Session, **fields: str) -> Borrower:
    borrower = Borrower(**fields)
    session.add(borrower)
    session.flush()  # events need the key
    return borrower


def tamper(database, statement: str) -> None:
    """Change the trail as the server's operator, past triggers and grants."""
    engine = create_engine(database.superuser_url)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(statement))
    engine.dispose()


TABLES = Base.metadata.tables
OTHER = {int: "77", str: "'somebody else'", bytes: "'\\x77'", datetime: "'2020-01-01'"}


def other_than(column: Column) -> str:
    """A value that no row of a test has, in SQL."""
    if isinstance(column.type, JSONB):
        return "'{\"number\": 77}'"
    return "1" if column.name == "rule" else OTHER[column.type.python_type]


def fill(events: int) -> None:
    for number in range(events):
        with transaction() as session:
            act(session, SYSTEM, after={"number": number})


class TestSearch:
    def test_events_are_found_by_who_whom_what_and_when(self, session, ana, marek, ada):
        meera = make_borrower(session, external_id="C-1042", name="Meera")
        act(session, ana, "promise.recorded", borrower_id=meera.id)
        act(session, ana, "contact.recorded")
        act(session, marek, "promise.cancelled")
        session.commit()
        found = lambda **wanted: [e.action for e in searching.search(ada, Search(**wanted)).events]  # noqa: E731
        assert found(who="ana") == ["contact.recorded", "promise.recorded"]
        assert found(whom="C-1042") == ["promise.recorded"]
        assert found(what="promise.") == ["promise.cancelled", "promise.recorded"]
        assert found(what="contact.recorded") == ["contact.recorded"]
        today = clock.today("Asia/Kolkata")
        assert len(found(first_day=today, last_day=today)) == 3
        assert found(last_day=date(2020, 1, 1)) == []
        assert searching.known_actions(ada) == ["contact.recorded", "promise.cancelled", "promise.recorded"]

    def test_pages_follow_each_other_without_gap_or_repeat(self, session, ana, ada):
        for number in range(7):
            act(session, ana, after={"number": number})
        session.commit()
        seen, before = [], None
        while True:
            page = searching.search(ada, Search(), before_id=before, limit=3)
            seen += [event.id for event in page.events]
            assert page.found == 7
            before = page.next_before
            if before is None:
                break
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) == 7

    def test_unknown_number_and_reversed_period_are_explained(self, session, ada):
        with pytest.raises(InvalidInput, match="No borrower or loan"):
            searching.search(ada, Search(whom="nobody"))
        with pytest.raises(InvalidInput, match="ends before"):
            searching.search(ada, Search(first_day=date(2026, 2, 1), last_day=date(2026, 1, 1)))

    def test_a_percent_sign_in_a_name_is_only_a_percent_sign(self, session, ana, ada):
        act(session, ana)
        session.commit()
        assert searching.search(ada, Search(who="%")).events == ()

    @pytest.mark.parametrize(
        "ask", [lambda a: searching.search(a, Search()), verifying.verify, verifying.state, sealing.seal]
    )
    def test_an_agent_may_not(self, session, ana, ask):
        with pytest.raises(NotAllowed):
            ask(ana)

    def test_before_and_after_are_kept(self, session, ana, ada):
        act(session, ana, before={"owner": None}, after={"owner": "Ana"}, reason="asked")
        session.commit()
        (event,) = searching.search(ada, Search()).events
        found = searching.detail(ada, event.id)
        assert (found.before, found.after, found.event.reason) == ({"owner": None}, {"owner": "Ana"}, "asked")
        assert len(found.digest) == 64


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_event SET summary = 'x'",
            "DELETE FROM audit_event",
            "TRUNCATE audit_event",
            "DELETE FROM audit_seal",
            "INSERT INTO audit_seal SELECT 9, now(), 1, 1, 1, '', '', 2",
        ],
    )
    def test_the_application_may_not_change_the_trail(self, database, statement):
        fill(1)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction() as session:
            session.execute(text(statement))

    @pytest.mark.parametrize("statement", ["UPDATE audit_event SET summary = 'x'", "DELETE FROM audit_event"])
    def test_nor_may_the_schema_owner(self, database, statement):
        fill(1)
        engine = create_engine(database.owner_url)
        with pytest.raises(ProgrammingError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


class TestSealing:
    def test_every_event_is_sealed_once_and_the_chain_verifies(self, database):
        fill(5)
        assert sealing.seal(SYSTEM) == 5
        assert sealing.seal(SYSTEM) == 0
        fill(2)
        assert sealing.seal(SYSTEM) == 2
        result = verifying.verify(SYSTEM)
        assert (result.is_intact, result.seals, result.events, result.finding) == (True, 2, 7, None)
        state = verifying.state(SYSTEM)
        assert (state.unsealed, state.last) == (1, result)  # the check itself is an event

    def test_events_written_while_sealing_are_all_sealed_in_the_end(self, database):
        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(fill, 20) for _ in range(3)]
            sealed = 0
            while not all(writer.done() for writer in writers):
                sealed += sealing.seal(SYSTEM)
        sealed += sealing.seal(SYSTEM)
        assert sealed == 60
        assert verifying.verify(SYSTEM).is_intact

    @pytest.mark.parametrize(
        ("statement", "finding"),
        [
            ("UPDATE audit_event SET summary = 'nothing happened' WHERE id = 4", "Event 4 was changed"),
            ("DELETE FROM audit_event WHERE id = 4", "1 of 3 events missing; first broken link: seal 2"),
            (
                "UPDATE audit_event SET id = 100 WHERE id = 4",
                "1 of 3 events missing; first broken link: seal 2",
            ),
            (
                (
                    "UPDATE audit_event e SET summary = 'x', "
                    'digest = audit_event_digest(jsonb_populate_record(e, \'{"summary": "x"}\')) WHERE id = 4'
                ),
                "Its events, its time or its hash were changed; first broken link: seal 2",
            ),
            (
                "UPDATE audit_seal SET hash = '\\x00' WHERE id = 1",
                "Its events, its time or its hash were changed; first broken link: seal 1",
            ),
            ("DELETE FROM audit_seal WHERE id = 2", "The link before it was removed"),
            ("DELETE FROM audit_seal WHERE id = 3", "The chain has become shorter"),
        ],
    )
    def test_tampering_is_found_where_it_happened(self, database, statement, finding):
        for _ in range(3):
            fill(3)
            sealing.seal(SYSTEM)
        assert verifying.verify(SYSTEM).is_intact
        tamper(database, statement)
        result = verifying.verify(SYSTEM)
        assert not result.is_intact
        assert finding in str(result.finding)
        assert verifying.state(SYSTEM).last == result

    def test_no_column_of_a_seal_or_of_an_event_can_be_changed_unseen(self, database):
        for _ in range(3):
            fill(2)
            sealing.seal(SYSTEM)
        for table, last in (("audit_seal", 3), ("audit_event", 6)):  # nothing follows that would tell of them
            for column in TABLES[table].columns:
                tamper(
                    database,
                    f"CREATE TABLE kept AS SELECT * FROM {table} WHERE id = {last}; "
                    f"UPDATE {table} SET {column.name} = {other_than(column)} WHERE id = {last}",
                )
                assert "first broken link" in str(verifying.verify(SYSTEM).finding), column
                tamper(
                    database,
                    f"DELETE FROM {table} WHERE id IN ({last}, 77); "
                    f"INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept",
                )

    def test_a_seal_cannot_pass_for_one_of_an_earlier_rule(self, database):
        for _ in range(2):
            fill(1)
            sealing.seal(SYSTEM)
        tamper(
            database,
            "UPDATE audit_seal SET rule = 1, sealed_at = '2020-01-01' WHERE id = 2; "
            "UPDATE audit_seal s SET hash = audit_seal_hash(s, digest) FROM audit_event e WHERE s.id = 2 AND e.id = 2",
        )
        assert "The link before it was removed" in str(verifying.verify(SYSTEM).finding)

    def test_a_time_of_sealing_that_no_calendar_has_is_found(self, database):
        fill(1)
        sealing.seal(SYSTEM)
        tamper(database, "UPDATE audit_seal SET sealed_at = 'infinity'")
        assert "its time or its hash were changed" in str(verifying.verify(SYSTEM).finding)

    def test_an_event_slipped_in_behind_a_seal_is_found(self, database):
        fill(3)
        sealing.seal(SYSTEM)
        tamper(
            database,
            "UPDATE audit_seal SET last_event_id = 5; "
            "INSERT INTO audit_event (id, actor_name, actor_role, action, subject_type, subject_id, summary) "
            "OVERRIDING SYSTEM VALUE VALUES (5, 'x', 'x', 'x', 'x', 'x', 'x')",
        )
        assert "1 event slipped in" in str(verifying.verify(SYSTEM).finding)

    def test_an_event_slipped_in_before_the_first_is_found(self, database):
        fill(3)
        sealing.seal(SYSTEM)
        assert verifying.verify(SYSTEM).is_intact
        with transaction() as session:  # the application's own role may add events, with a number of its choice
            session.execute(
                text(
                    "INSERT INTO audit_event (id, at, actor_name, actor_role, action, subject_type, subject_id, "
                    "summary) VALUES (0, '2020-01-01', 'x', 'x', 'x', 'x', 'x', 'x')"
                )
            )
        assert "1 event slipped in; first broken link: seal 1 " in str(verifying.verify(SYSTEM).finding)

    def test_the_chain_is_checked_across_steps(self, database, monkeypatch):
        monkeypatch.setattr(verifying, "SEALS_A_STEP", 2)
        for _ in range(5):
            fill(1)
            sealing.seal(SYSTEM)
        steps = []
        assert verifying.verify(SYSTEM, progress=lambda done, total: steps.append((done, total))).is_intact
        assert steps == [(2, 5), (4, 5), (5, 5)]
        tamper(database, "UPDATE audit_seal SET previous_hash = '\\x01' WHERE id = 3")
        assert "seal 3" in str(verifying.verify(SYSTEM).finding)

    def test_the_digest_does_not_depend_on_the_readers_time_zone(self, database):
        with transaction() as session:
            session.execute(text("SET LOCAL timezone = 'Asia/Kolkata'"))
            act(session, SYSTEM, after={"at": datetime(2026, 1, 1, tzinfo=UTC).isoformat()})
        sealing.seal(SYSTEM)
        assert verifying.verify(SYSTEM).is_intact
