"""Files as they come: containers, encodings, separators, and those that are no table."""

import gzip
import io
import re
import zipfile

import pytest
import xlsxwriter
from sqlalchemy import text

from services import imports
from services.actors import SYSTEM
from services.errors import Refused
from services.imports import FileUnreadable, files
from services.imports.fields import Kind
from services.imports.mapping import propose

BOOK = "Loan No,Customer,Loan Amount\nL1,Asha,1000\nL2,Bala,2000\n"


def _file(tmp_path, content, name="file.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _zipped(content, name="book.csv"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        BOOK.encode(),
        b"\xef\xbb\xbf" + BOOK.encode(),
        BOOK.encode("utf-16"),
        BOOK.encode("utf-16-le"),
        BOOK.replace(",", ";").encode(),
        BOOK.replace(",", "\t").encode(),
        BOOK.replace(",", "|").encode(),
        BOOK.replace("\n", "\r\n").encode(),
        gzip.compress(BOOK.encode()),
        _zipped(BOOK),
    ],
    ids=["utf8", "bom", "utf16", "utf16le", "semicolon", "tab", "pipe", "crlf", "gzip", "zip"],
)
def test_dialects_and_containers_are_read_alike(session, tmp_path, content):
    batch = imports.load_file(SYSTEM, _file(tmp_path, content), kind="loan_book")
    assert (batch.counts["rows"], batch.counts["loans_new"]) == (2, 2)


def test_workbook_is_read_with_typed_cells(session, tmp_path):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Loan No", "Loan Amount", "Tenure"])
        sheet.write_row(1, 0, ["L1", 1234.5, 12])
    batch = imports.load_file(SYSTEM, path, kind="loan_book")
    assert batch.counts["loans_new"] == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_files_larger_than_the_sample_are_read_whatever_ends_their_lines(session, tmp_path, end):
    lines = ["Loan No,Loan Amount,Remark", *(f"L{n},5,{'x' * 40}" for n in range(30_000))]
    batch = imports.load_file(SYSTEM, _file(tmp_path, end.join(lines) + end), kind="loan_book")
    assert (batch.counts["rows"], batch.counts["loans_new"]) == (30_000, 30_000)


@pytest.mark.parametrize("above", ["\n", "\r\n\r\n", " , \n"])
def test_blank_lines_above_the_header_are_passed_over_and_rows_keep_their_numbers(session, tmp_path, above):
    path = _file(tmp_path, above + 'Loan No,"Loan\nAmount"\nL1,5\nL2,-5\n')
    batch = imports.load_file(SYSTEM, path, kind="loan_book")
    assert (batch.headers, batch.counts["rows"]) == (("Loan No", "Loan Amount"), 2)
    assert batch.report["rules"][0]["lines"] == [3 + above.count("\n")]


def _workbook(path, *sheets):
    """A workbook of (name, visible, {(row, column): cell}) sheets."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, is_visible, cells in sheets:
            sheet = book.add_worksheet(name)
            if is_visible:
                sheet.activate()
            else:
                sheet.hide()
            for (row, column), cell in cells.items():
                sheet.write(row, column, cell)
    return path


BOOK_CELLS = {(0, 0): "Loan No", (0, 1): "Loan Amount", (1, 0): "L1", (1, 1): 5}


def test_blank_rows_above_the_header_of_a_sheet_are_passed_over(session, tmp_path):
    cells = {(row + 2, column): cell for (row, column), cell in BOOK_CELLS.items()} | {(4, 0): "L2", (4, 1): -5}
    batch = imports.load_file(SYSTEM, _workbook(tmp_path / "b.xlsx", ("Book", True, cells)), kind="loan_book")
    assert (batch.counts["loans_new"], batch.report["rules"][0]["lines"]) == (1, [5])


def test_hidden_sheets_are_not_read_and_others_that_are_left_out_are_told(session, tmp_path):
    hidden = dict.fromkeys(BOOK_CELLS, "hidden")
    sheets = ("Lists", False, hidden), ("Book", True, BOOK_CELLS), ("Empty", True, {}), ("More", True, BOOK_CELLS)
    path = _workbook(tmp_path / "b.xlsx", *sheets)
    with path.open("rb") as stream:
        batch = imports.upload(SYSTEM, stream, "b.xlsx", kind=Kind.LOAN_BOOK)
    assert (batch.headers, imports.manner(SYSTEM, batch.id).sheets_left_out) == (("Loan No", "Loan Amount"), ["More"])


def test_long_account_numbers_that_a_sheet_holds_as_numbers_keep_their_digits(session, tmp_path):
    path = _workbook(tmp_path / "b.xlsx", ("Book", True, BOOK_CELLS | {(1, 0): 1234567890123456}))
    imports.load_file(SYSTEM, path, kind="loan_book")
    assert session.execute(text("SELECT external_id FROM loan")).scalar_one() == "1234567890123456"


def test_percentages_and_errors_of_a_sheet_are_read_as_they_are_shown(tmp_path):
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        shown = [book.add_format({"num_format": f}) for f in ("0.00%", "0%", '0.0" %"', "0.00")]
        sheet.write_row(2, 1, ["Loan No", "Rate", "Rounded", "Said", "Plain", "Failed", "Missed"])
        sheet.write(3, 1, "L1")
        for column, number in enumerate((0.1225, 0.07, 12.5, 0.5)):
            sheet.write_number(3, 2 + column, number, shown[column])
        sheet.write_formula(3, 6, "=B1/0", None, "#DIV/0!")
        sheet.write_formula(3, 7, "=NA()", shown[0], "#N/A")
    rows = [row for row in files.sheet_rows(path) if row]
    assert rows[1] == ["L1", "12.25%", "7%", "12.5", "0.5", "#DIV/0!", "#N/A"]


def test_cells_of_a_sheet_that_do_not_say_where_they_are_are_read_in_turn(tmp_path):
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Loan No", "Rate"])
        sheet.write(1, 0, "L1")
        sheet.write_number(1, 1, 0.07, book.add_format({"num_format": "0%"}))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(
                name, re.sub(rb' r="[A-Z]*\d+"', b"", old.read(name)) if "sheet1.xml" in name else old.read(name)
            )
    assert list(files.sheet_rows(path)) == [["Loan No", "Rate"], ["L1", "7%"]]


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: _zipped(content, "b.xlsx")], ids=["gzip", "zip"])
def test_a_packed_workbook_is_unpacked_away_from_where_it_lies(tmp_path, pack):
    plain = _workbook(tmp_path / "b.xlsx", ("Book", True, BOOK_CELLS)).read_bytes()
    (tmp_path / "there").mkdir()
    path = _file(tmp_path / "there", pack(plain), "b.xlsx.gz")
    rows = files.sheet_rows(path)
    assert next(rows) == ["Loan No", "Loan Amount"]
    assert list(path.parent.iterdir()) == [path]
    assert list(rows) == [["L1", "5"]]


def test_a_cell_far_away_is_refused_and_takes_no_memory(tmp_path):
    path = _workbook(tmp_path / "b.xlsx", ("Book", True, BOOK_CELLS | {(1_048_575, 16_383): "x"}))
    with pytest.raises(FileUnreadable, match="far away"):
        files.look(path)


def test_a_sheet_that_is_left_out_need_not_be_readable(tmp_path):
    far = ("Far", True, {(0, 0): "x", (1_048_575, 16_383): "x"})
    path = _workbook(tmp_path / "b.xlsx", ("Book", True, BOOK_CELLS), far)
    assert (files.look(path).headers, files.sheets(path)) == (["Loan No", "Loan Amount"], ["Book"])


def test_a_workbook_that_is_damaged_is_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x")
    with pytest.raises(FileUnreadable, match="damaged"):
        files.look(_file(tmp_path, packed.getvalue(), "b.xlsx"))


def _nested_quote():
    return 'Loan No,Loan Amount\n"L1,5\n' + "L2,6\n" * 10


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (b"Loan No,Loan Amount\n", "no rows"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"EncryptedPackage" * 9, "password"),
        (bytes(range(256)) * 50, "NUL|not a text"),
        (b"Loan No,Loan Amount\nL1,\x005\n", "NUL"),
        (BOOK.encode("utf-32"), "NUL"),
        (b"Loan No,Loan Amount\n,\n ,\n", "no rows"),
        ((",".join(f"c{i}" for i in range(10_000)) + "\n" + ",".join("1" * 10_000)).encode(), "10,000 columns"),
        (b"x" * 2_000_000, "line"),
        (b"Loan No,Loan Amount\nL1,5\n" + b"y" * 3_000_000, "1 MB"),
        (b"\x1f\x8b broken gzip", "damaged"),
        (b"PK\x03\x04 broken zip", "damaged"),
        (_nested_quote().encode(), "quote"),
    ],
)
def test_unusable_files_get_one_clear_sentence(session, tmp_path, content, says):
    with pytest.raises(Refused, match=says):
        imports.load_file(SYSTEM, _file(tmp_path, content), kind="loan_book", mapping=_loan_columns())


def _loan_columns():
    return {"Loan No": "loan_number", "Loan Amount": "principal"}


def test_zip_bomb_is_refused_while_unpacking(tmp_path):
    path = _file(tmp_path, _zipped(b"Loan No,Loan Amount\n" + b"L1,5\n" * 30_000_000), "bomb.zip")
    look = files.look(path)
    with pytest.raises(FileUnreadable, match="zip bomb"):
        for _ in files.chunks(path, look.dialect):
            pass


def test_a_zip_whose_directory_points_nowhere_is_refused(tmp_path):
    packed = bytearray(_zipped(BOOK))
    packed[-6:-2] = (2**31).to_bytes(4, "little")  # where the directory says that it begins
    with pytest.raises(FileUnreadable, match="damaged"):
        files.look(_file(tmp_path, bytes(packed), "book.zip"))


def test_zip_of_several_tables_is_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", BOOK)
        archive.writestr("b.csv", BOOK)
    with pytest.raises(FileUnreadable, match=r"2 files \(a.csv, b.csv\); put exactly one"):
        files.look(_file(tmp_path, packed.getvalue(), "two.zip"))


def test_headers_that_an_export_escaped_are_the_files_own_again(session, tmp_path):
    batch = imports.load_file(SYSTEM, _file(tmp_path, "Loan No,Loan Amount,=x,-y\nL1,-5,a,b\n"), kind="loan_book")
    mended = imports.rejects_csv(SYSTEM, batch.id).replace(b"-5", b"5")
    assert b"'=x,'-y" in mended
    assert imports.load_file(SYSTEM, _file(tmp_path, mended), kind="loan_book").counts["loans_new"] == 1
    assert session.execute(text("SELECT attributes FROM loan")).scalar_one() == {"=x": "a", "-y": "b"}


def test_rows_with_other_numbers_of_cells_are_rejected_and_the_rest_taken(session, tmp_path):
    path = _file(tmp_path, 'Loan No,Loan Amount\nL1,5\nL2\nL3,6,7\n"L4\nx",8\n')
    batch = imports.load_file(SYSTEM, path, kind="loan_book")
    assert (batch.counts["loans_new"], batch.counts["rejected"]) == (2, 2)
    assert batch.report["rules"][0]["lines"] == [3, 4]


def test_windows_text_in_a_file_that_began_as_utf8_is_read(session, tmp_path):
    content = (
        b"Loan No,Loan Amount,Customer Name\n"
        + b"".join(b"L%d,5,Plain\n" % i for i in range(40_000))
        + b"LX,5,Jos\xe9\n"
    )
    batch = imports.load_file(SYSTEM, _file(tmp_path, content), kind="loan_book")
    assert batch.counts["loans_new"] == 40_001


def test_a_name_in_windows_text_does_not_spoil_the_names_in_utf8(session, tmp_path):
    content = "Loan No,Loan Amount,Customer Name\nL1,5,राजेश\nL2,5,".encode() + b"Jos\xe9\n"
    imports.load_file(SYSTEM, _file(tmp_path, content), kind="loan_book")
    names = session.execute(text("SELECT name FROM borrower ORDER BY external_id")).scalars().all()
    assert names == ["राजेश", "José"]


@pytest.mark.parametrize(
    ("header", "samples", "field"),
    [
        ("LAN", ["A1", "A2"], "loan_number"),
        ("Loan A/c No.", ["A1", "A2"], "loan_number"),
        ("Disbursal Date", ["2025-01-01"], "disbursed_on"),
        ("EMI Amount", ["1,23,456.78"], "instalment_amount"),
        ("MobileNo", ["9876543210"], "phone"),
        ("Colour", ["red"], None),
    ],
)
def test_fields_are_proposed_by_name_and_content(header, samples, field):
    assert propose(Kind.LOAN_BOOK, [header], [[s] for s in samples])[0].target == field


def test_an_endless_row_under_the_header_is_told_as_such(tmp_path):
    with pytest.raises(FileUnreadable, match="row under the header is longer"):
        files.look(_file(tmp_path, b"Loan No,Loan Amount\n" + b"x" * 5_000_000))
