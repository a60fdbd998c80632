"""Rows that are read by their bytes give what rows give that are read cell by cell, and blocks hold whole rows."""

import csv
import io
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from db.queries.imports import typing
from services import imports
from services.actors import SYSTEM
from services.imports import batches, processing
from services.imports.plainness import BLOCK_BYTES, Judge, RowsUnclear, blocks, has_stray_quotes

_TYPES = {2: "amount", 3: "rate", 4: "integer", 5: "date"}
_PLAIN = ("Ravi", "12.50", "8.5", "24", "2025-03-31")


def judge(*, separator: str = ",", decimal: str = ".") -> Judge:
    return Judge(5, _TYPES, separator=separator, decimal=decimal)


def written(*rows: tuple[str, ...], separator: str = ",", line_end: str = "\n") -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator=line_end).writerows(rows)
    return stream.getvalue().encode()


def changed(position: int, cell: str) -> tuple[str, ...]:
    return (*_PLAIN[: position - 1], cell, *_PLAIN[position:])


@pytest.mark.parametrize(
    ("position", "cell"),
    [
        (1, ""), (1, "a, b"), (1, 'so "called"'), (1, "two\nlines"), (1, "ठाकुर पाठ"), (1, "it's"), (1, "'tis"),
        (1, "₹5"),
        (2, ""), (2, "-5"), (2, "0.1234567"), (2, "007"), (2, "99999999999999"),
        (3, "9999.99999"), (4, "-3"), (5, ""), (5, "2024-02-29"), (5, "0202-01-01"),
    ],
)  # fmt: skip
def test_cells_as_the_database_reads_them_are_plain(position, cell):
    assert judge().is_plain(written(_PLAIN, changed(position, cell), _PLAIN))


@pytest.mark.parametrize(
    ("position", "cell"),
    [
        (1, " Ravi"), (1, "Ravi "), (1, "Ravi\u00a0"), (1, "\ufeffRavi"), (1, "Ravi\u202f"), (1, "\tRavi"),
        (1, "'=cmd"),
        (2, "1,23,456"), (2, "(500)"), (2, "₹5"), (2, "1e3"), (2, "NaN"), (2, "inf"), (2, "1.2.3"), (2, "1-2"),
        (2, "-"),
        (2, "-.5"), (2, "."), (2, " 5"), (2, "+5"), (2, "999999999999999"), (2, "NA"), (2, "5 "),
        (3, "10000"), (3, "8.5 %"), (3, "-100000"),
        (4, "24.0"), (4, "24 months"), (4, "1234567890"),
        (5, "31-03-2025"), (5, "2025-02-30"), (5, "2025/03/31"), (5, "0000-01-01"), (5, "2025-3-31"), (5, "today"),
        (5, "2025-03-31 00:00"), (5, "infinity"), (5, "20250331"), (5, "2025+03+31"),
    ],
)  # fmt: skip
def test_cells_written_otherwise_are_not(position, cell):
    assert not judge().is_plain(written(_PLAIN, changed(position, cell), _PLAIN))


def test_a_point_is_not_plain_where_it_groups_digits():
    assert not judge(decimal=",").is_plain(written(changed(2, "1.234")))
    assert judge(decimal=",").is_plain(written(("Ravi", "1234", "8", "24", "2025-03-31")))


@pytest.mark.parametrize("block", [b"a,1\n", b"a,1,2,3,2025-03-31,more\n", b"\xff\xfe,1,2,3,2025-03-31\n"])
def test_rows_with_other_numbers_of_cells_or_no_text_are_not_plain(block):
    assert not judge().is_plain(block)


@pytest.mark.parametrize(
    "block",
    [b'"a","b"\n', b'"a ""b"" c","x"\r\n"","y"', b'"",\n', b'a,"two\nlines"\n', b'"a"""\n', b'"""a",b\n', b"a,b\n"],
)
def test_quotes_around_cells_are_not_stray(block):
    assert not has_stray_quotes(block, ",")


@pytest.mark.parametrize(
    "block", [b'5" pipe,b\n', b'aa" x,1\nbb" y,2\n', b'aa",1\nbb",2\n', b'"a" x,b\n', b'x "a",b\n']
)
def test_quotes_within_cells_are(block):
    assert has_stray_quotes(block, ",")


_cell = st.text(st.sampled_from('ab ,;"\n\r₹0'), max_size=6)
_rows = st.lists(st.tuples(_cell, _cell), min_size=1, max_size=30)


@example(rows=[("", "\r\r")], sizes=[1], at_least=1)
@given(rows=_rows, sizes=st.lists(st.integers(1, 40), min_size=1), at_least=st.integers(1, 60))
def test_blocks_hold_whole_rows_and_lose_nothing(rows, sizes, at_least):
    # the writer puts into quotes what ends lines, so that a cell may hold either of CR and LF
    header, body = written(("a\nb", "c"), line_end="\r\n"), written(*rows, line_end="\r\n")
    parts, rest, at = [], header + body, 0
    while rest:
        size = sizes[at % len(sizes)]
        parts, rest, at = [*parts, rest[:size]], rest[size:], at + 1
    found = list(blocks(parts, at_least=at_least))
    assert b"".join(found).rstrip(b"\r\n") == body.rstrip(b"\r\n")
    read = [row for block in found for row in csv.reader(io.StringIO(block.decode(), newline=""))]
    assert read == list(csv.reader(io.StringIO(body.decode().rstrip("\r\n"), newline="")))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_end_in_any_way_and_empty_ones_at_the_end_are_no_rows(line_end, size):
    content = line_end.join([b"a,b", b"1,2", b"3,4", b"", b""])
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    assert b"".join(blocks(parts)).replace(line_end, b"\n").strip(b"\r\n") == b"1,2\n3,4"
    assert list(blocks([b"a,b" + line_end, line_end])) == []


def test_a_quote_that_is_never_closed_ends_the_search_for_rows():
    taken = 0

    def parts():
        nonlocal taken
        yield b'a,b\n1,"open\n'
        while True:
            taken += 1
            yield b"2,x\n" * 100_000

    with pytest.raises(RowsUnclear):
        list(blocks(parts()))
    assert taken < 50


# --- the same values both ways ------------------------------------------------------------------------------------

_HEADER = "Loan number,Principal,Interest rate,Tenure,Disbursed on,Closed on,Customer name,Region,Sourcing"
_MAPPING = dict(
    zip(
        _HEADER.split(",")[:8],
        (
            "loan_number",
            "principal",
            "interest_rate",
            "tenure_months",
            "disbursed_on",
            "closed_on",
            "borrower_name",
            "region",
        ),
        strict=True,
    )
)
_AMOUNTS = st.one_of(
    st.decimals(-5, 9999999, places=2).map(str),
    st.sampled_from(["0", "5.", ".5", "12.345", "x", ""]),
)
_DATES = st.one_of(
    st.dates(min_value=date(1940, 1, 1)).map(str),
    st.sampled_from(["", "2025-02-30", "31-Mar-2025"]),
)
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)
_LOANS = st.lists(
    st.tuples(
        _AMOUNTS,
        st.sampled_from(["8.5", "", "100000", "-1", "99999.9", "99999.99999", "9999"]),
        st.sampled_from(["24", "24.0", "", "2000"]),
        *(_DATES, _DATES, _WORDS, _WORDS, _WORDS),
    ),
    min_size=1,
    max_size=40,
)


def typed_rows(session, path, rows) -> list:
    """What the check makes of the rows of a file, but for the one that is only there to be no plain one."""
    path.write_bytes(_HEADER.encode() + b"\n" + written(*rows))
    batch = batches.begin(SYSTEM, path, file_name=path.name, kind=imports.Kind.LOAN_BOOK)
    batches.set_reading(SYSTEM, batch.id, mapped=_MAPPING, options={})
    processing.check(SYSTEM, batch.id)
    found = session.execute(
        text(f"SELECT to_jsonb(t) - 'line' FROM staging.typed_{batch.id} t ORDER BY line")
    ).scalars()
    answer = [row for row in found if row["loan_number"] != "LAST"]
    batches.discard(SYSTEM, batch.id)
    return answer


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loans=_LOANS)
def test_plain_rows_are_read_as_any_others(session, tmp_path, loans):
    rows = [(f"L{number}", *cells) for number, cells in enumerate(loans)]
    plainest = typed_rows(session, tmp_path / "a.csv", rows)
    read_cell_by_cell = typed_rows(session, tmp_path / "b.csv", [*rows, ("LAST", " 5", "", "", "", "", "", "", "")])
    assert plainest == read_cell_by_cell


def kinds_of_rows(session, path, *rows, line_end="\n") -> tuple[int, int, bool]:
    """Rows that were read as text and as they are, and whether the typed ones are only looked at where they lie."""
    path.write_bytes((b"Loan number,Principal\n" + written(*rows)).replace(b"\n", line_end.encode()))
    batch = batches.begin(SYSTEM, path, file_name=path.name, kind=imports.Kind.LOAN_BOOK)
    processing.check(SYSTEM, batch.id)
    statement = f"""
        SELECT (SELECT count(*) FROM staging.raw_{batch.id}), (SELECT count(*) FROM staging.plain_{batch.id}),
               (SELECT relkind = 'v' FROM pg_class WHERE oid = 'staging.typed_{batch.id}'::regclass)
    """
    found = session.execute(text(statement)).one()
    batches.discard(SYSTEM, batch.id)
    return tuple(found)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_faultless_plain_file_is_written_once(session, tmp_path, line_end):
    rows = ("L1", "500"), ("L2", "600")
    assert kinds_of_rows(session, tmp_path / "a.csv", *rows, line_end=line_end) == (0, 2, True)


def test_a_row_at_fault_has_the_rows_written_down(session, tmp_path):
    assert kinds_of_rows(session, tmp_path / "a.csv", ("L1", "500"), ("L2", "-600")) == (0, 2, False)
    assert kinds_of_rows(session, tmp_path / "b.csv", ("L1", "500"), ("L1", "600")) == (0, 2, False)


def test_only_the_blocks_that_need_it_are_read_cell_by_cell(session, tmp_path):
    rows = [(f"L{number}", "500.00") for number in range(3 * BLOCK_BYTES // len("L100000,500.00\n"))]
    rows[-1] = ("L-last", "₹ 600")
    as_text, as_they_are, is_looked_at = kinds_of_rows(session, tmp_path / "a.csv", *rows)
    assert as_text + as_they_are == len(rows)
    assert 0 < as_text < as_they_are
    assert not is_looked_at


def test_rejected_rows_keep_their_cells_as_they_were_written(session, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"Loan number,Principal,Disbursed on,Closed on\n" + written(("L1", "500.10", "2025-03-31", "2024-01-01"))
    )
    batch = batches.begin(SYSTEM, path, file_name=path.name, kind=imports.Kind.LOAN_BOOK)
    processing.check(SYSTEM, batch.id)
    kept = session.execute(text("SELECT cells -> 'cells' FROM import_rejected_row")).scalar_one()
    assert kept == ["L1", "500.10", "2025-03-31", "2024-01-01"]


@pytest.mark.parametrize(("step", "is_in_order"), [(1, True), (-1, False)])
def test_a_schedule_in_another_order_than_the_book_is_seen_and_taken_as_well(session, tmp_path, step, is_in_order):
    loans = [f"L{number:04}" for number in range(300)]
    book, path = tmp_path / "book.csv", tmp_path / "schedule.csv"
    book.write_bytes(b"Loan number,Principal\n" + written(*((loan, "500") for loan in loans)))
    imports.load_file(SYSTEM, book, kind=imports.Kind.LOAN_BOOK)
    rows = [(loan, str(number), f"2025-{number:02}-05", "50") for loan in loans[::step] for number in range(1, 13)]
    path.write_bytes(b"Loan number,Number,Due date,Amount\n" + written(*rows))
    batch = batches.begin(SYSTEM, path, file_name=path.name, kind=imports.Kind.SCHEDULE)
    mapped = dict(
        zip(("Loan number", "Number", "Due date", "Amount"), ("loan_number", "number", "due_on", "amount"), strict=True)
    )
    batches.set_reading(SYSTEM, batch.id, mapped=mapped, options={})
    processing.check(SYSTEM, batch.id)
    assert typing.lies_by_loan(session, batches.plan_of(batches.loaded(session, batch.id))) is is_in_order
    assert processing.commit(SYSTEM, batch.id).counts["instalments_new"] == len(rows)
    statement = "SELECT count(*), count(DISTINCT loan_id), sum(principal) FROM instalment"
    assert tuple(session.execute(text(statement)).one()) == (len(rows), len(loans), 50 * len(rows))
