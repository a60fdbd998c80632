import time
from datetime import UTC, datetime
from io import BytesIO

from pypdf import PdfReader

from services import pdf

MADE = datetime(2025, 6, 16, 5, 30, tzinfo=UTC)


def read(content):
    reader = PdfReader(BytesIO(content))
    return reader, "\n".join(page.extract_text() for page in reader.pages)


def test_text_of_every_block_can_be_read_from_the_pdf():
    made = pdf.render(
        title="Settlement offer",
        letterhead=["Ärger & Söhne Finance", "12 MG Road, Pune"],
        blocks=[
            pdf.Heading("What is offered"),
            pdf.Paragraph("You pay ₹1,23,456.50 instead of what is owed – once."),
            pdf.Facts([("Loan", "L-1"), ("Valid until", "30 Jun 2025")]),
            pdf.Grid(["Part", "Amount"], [["1", "₹1,000"], ["2", "₹500"]], right=[1], total=["Sum", "₹1,500"]),
            pdf.Gap(),
            pdf.Signature(["For the lender"]),
        ],
        made_at=MADE,
        reference="SET-17",
    )
    reader, text = read(made)
    for said in (
        "Ärger & Söhne Finance", "12 MG Road", "Settlement offer", "What is offered", "₹1,23,456.50", "–",
        "Valid until", "30 Jun 2025", "₹1,500", "For the lender", "SET-17", "Page 1 of 1",
    ):  # fmt: skip
        assert said in text, said
    assert reader.metadata.title == "Settlement offer"


def test_same_content_and_moment_give_the_same_bytes():
    blocks = [pdf.Paragraph("₹500 received")]
    first = pdf.render(title="Receipt", blocks=blocks, made_at=MADE)
    assert first == pdf.render(title="Receipt", blocks=blocks, made_at=MADE)
    assert first.startswith(b"%PDF-")


def test_long_table_runs_over_pages_and_repeats_its_head():
    rows = [[f"row {number}", "₹1"] for number in range(120)]
    reader, text = read(pdf.render(title="Report", blocks=[pdf.Grid(["Loan", "Due"], rows, right=[1])], made_at=MADE))
    assert len(reader.pages) > 2
    assert text.count("Loan") == len(reader.pages)
    assert "row 119" in text
    assert f"Page 2 of {len(reader.pages)}" in text


def test_letters_the_font_lacks_do_not_break_the_document():
    _, text = read(pdf.render(title="Letter", blocks=[pdf.Paragraph("मीरा owes ₹5")], made_at=MADE))
    assert "owes ₹5" in text


def test_names_in_the_scripts_of_india_can_be_read_and_what_no_font_has_is_marked():
    names = ["मीरा शर्मा", "শ্রীজিতা", "ગીતા પટેલ", "தமிழ்", "శ్రీనివాస్", "ಕೃಷ್ಣ", "ശ്രീകുമാർ", "محمد", "ᱥᱟᱱᱛᱟᱲᱤ"]
    grid = pdf.Grid(["Name", "Owes"], [[name, "₹5"] for name in names])
    made = pdf.render(title="मीरा", blocks=[grid, pdf.Paragraph("中 \N{GRINNING FACE}\ufe0f end")], made_at=MADE)
    reader, text = read(made)
    fonts = {font["/BaseFont"] for page in reader.pages for font in map(_object, page["/Resources"]["/Font"].values())}
    assert len(fonts) >= len(names) + 1, "each script has its font within"
    assert "☐ ☐ end" in text
    assert "मीरा" in text
    assert "தமிழ்" in text


def _object(reference):
    return reference.get_object()


def test_a_text_in_latin_letters_takes_no_other_font():
    reader, _ = read(pdf.render(title="Letter", blocks=[pdf.Paragraph("Ärger → ₹5")], made_at=MADE))
    assert all("DejaVu" in _object(font)["/BaseFont"] for font in reader.pages[0]["/Resources"]["/Font"].values())


def test_latin_letters_stay_what_they_are_after_a_name_in_another_script():
    rows = [["मीरा", "₹5,000.00", "தமிழ்", "Loan L-7"]] * 60  # over a page, where the font is told anew
    grid = pdf.Grid(["नाम", "Owes", "Name", "Loan"], rows, right=[1])
    blocks = [pdf.Paragraph("मीरा,"), pdf.Paragraph("Pay in time."), pdf.Facts([("मीरा", "₹1,234.00")]), grid]
    _, text = read(pdf.render(title="मीरा", blocks=blocks, made_at=MADE, reference="मीरा", letterhead=["मीरा", "Pune"]))
    for said in ("Pune", "Pay in time.", "₹1,234.00", "Page 2 of"):
        assert said in text, said
    assert text.count("₹5,000.00") == text.count("Loan L-7") == 60


def test_a_row_longer_than_a_page_goes_on_and_a_word_longer_than_a_line_is_broken():
    story = " ".join(f"w{number}" for number in range(1500))
    grid = pdf.Grid(["When", "What"], [["first", "x" * 400], ["second", story], ["third", "a\n" * 70]], widths=[1, 3])
    reader, text = read(pdf.render(title="Record", blocks=[grid], made_at=MADE, is_landscape=True))
    assert len(reader.pages) > 3
    assert text.count("x") == 400
    assert all(f"w{number}" in text for number in range(1500))
    assert sum(line.strip() == "a" for line in text.splitlines()) == 70


def test_a_long_table_is_set_in_little_time():
    rows = [[f"{number} Jan 2025", "Called and promised " * 6, "5,000.00"] for number in range(1000)]
    started = time.perf_counter()
    pdf.render(title="Report", blocks=[pdf.Grid(["When", "What", "Amount"], rows, right=[2])], made_at=MADE)
    assert time.perf_counter() - started < 30, "a second or two, with room for a busy machine"
