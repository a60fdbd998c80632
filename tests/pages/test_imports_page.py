"""The imports page: the steps of a file from upload to undo, as an admin sees them."""

from datetime import date

import pytest
from sqlalchemy import text

from db.engine import transaction
from services import imports
from services.actors import SYSTEM, Role
from services.errors import Conflict
from services.imports import batches
from tests.pages.conftest import opened, token_of, words

BOOK = "Loan No,Customer Name,Loan Amount,Dealer\nL1,Asha,1000,D1\nL2,Bala,-5,D2\n"


@pytest.fixture
def batch(cast, tmp_path):
    path = tmp_path / "book.csv"
    path.write_text(BOOK)
    return batches.begin(cast[Role.ADMIN], path, file_name="book.csv", kind=imports.Kind.LOAN_BOOK)


def page(batch_id=None):
    app = opened(token_of(Role.ADMIN), url_path="imports")
    if batch_id:
        app.query_params["batch"] = str(batch_id)
        app.run()
    return app


def test_the_start_asks_for_a_file(cast):
    said = words(page())
    assert "What does the file hold?" in said or "File" in said


def test_columns_are_proposed_and_checked_in_the_background(batch):
    app = page(batch.id)
    assert not app.exception
    next(button for button in app.button if button.label == "Check the file").click().run()
    assert not app.exception
    assert imports.view(SYSTEM, batch.id).status == "staging"
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM job_run WHERE kind = 'import.check'")).scalar_one() >= 1


def test_report_shows_rules_and_commits(batch):
    imports.check(SYSTEM, batch.id)
    app = page(batch.id)
    assert not app.exception
    assert "1 of 2 rows can be taken" in words(app)
    next(button for button in app.button if button.label == "Commit 1 row").click().run()
    assert imports.view(SYSTEM, batch.id).status == "committing"


def test_a_committed_import_can_be_undone_from_its_page(batch):
    imports.check(SYSTEM, batch.id)
    imports.commit(SYSTEM, batch.id)
    app = page(batch.id)
    assert not app.exception
    next(button for button in app.button if button.label == "Undo").click().run()
    assert imports.view(SYSTEM, batch.id).status == "undoing"


def test_an_import_that_is_not_there_says_so(cast):
    assert "There is no such import" in words(page(999_999))


def _press(app, label):
    next(button for button in app.button if button.label == label).click().run()


def test_what_was_clicked_on_another_preview_is_not_done(batch):
    imports.check(SYSTEM, batch.id)
    app = page(batch.id)
    imports.set_reading(SYSTEM, batch.id, mapped={**batch.mapping, "Dealer": "branch"}, options=batch.options)
    imports.check(SYSTEM, batch.id)
    _press(app, "Commit 1 row")
    assert ["Somebody else changed this import" in warning.value for warning in app.warning] == [True]
    assert imports.view(SYSTEM, batch.id).status == "checked"
    _press(app, "Commit 1 row")
    assert imports.view(SYSTEM, batch.id).status == "committing"


def test_columns_that_somebody_else_chose_are_not_mixed_with_those_on_the_screen(batch):
    app = page(batch.id)
    other = {**batch.mapping, "Dealer": "branch"}
    imports.set_reading(SYSTEM, batch.id, mapped=other, options={**batch.options, "product": "Gold"})
    _press(app, "Check the file")
    assert ["Somebody else changed this import" in warning.value for warning in app.warning] == [True]
    assert next(field.value for field in app.text_input if field.label.startswith("Product")) == "Gold"
    assert (imports.view(SYSTEM, batch.id).status, imports.view(SYSTEM, batch.id).mapping) == ("uploaded", other)


def test_what_one_changed_oneself_is_not_said_to_be_of_somebody_else(cast, tmp_path):
    path = tmp_path / "dates.csv"
    path.write_text("Loan No,Loan Amount,Disbursal Date\nL1,5,03/04/2025\n")
    batch = batches.begin(cast[Role.ADMIN], path, file_name="dates.csv", kind=imports.Kind.LOAN_BOOK)
    app = page(batch.id)
    for product in ("Gold", "Silver"):
        next(field for field in app.text_input if field.label.startswith("Product")).input(product)
        _press(app, "Check the file")
        with pytest.raises(imports.DateOrderNeeded):
            imports.check(SYSTEM, batch.id)
        app.run()
        assert "03/04/2025, can be read two ways" in words(app)
        assert not app.warning


def test_the_profile_that_was_saved_is_still_there_when_one_goes_back_to_the_columns(batch):
    app = page(batch.id)
    app.text_input(key=f"imports.profile.{batch.id}").input("Ours")
    _press(app, "Check the file")
    imports.check(SYSTEM, batch.id)
    app = page(batch.id)
    _press(app, "Back to columns")
    assert app.text_input(key=f"imports.profile.{batch.id}").value == "Ours"


def test_a_file_that_came_before_is_not_said_to_hold_nothing_new(cast, batch, tmp_path):
    imports.check(SYSTEM, batch.id)
    imports.commit(SYSTEM, batch.id)
    again = batches.begin(cast[Role.ADMIN], tmp_path / "book.csv", file_name="book.csv", kind=imports.Kind.LOAN_BOOK)
    assert "Only what was changed since would change again" in words(page(again.id))


def test_months_are_not_mapped_over_what_fills_another_field(batch):
    app = page(batch.id)
    _press(app, "Map these columns")
    assert "Choose the first month" in words(app)
    app.date_input(key="imports.months.month").set_value(date(2025, 1, 31))
    _press(app, "Map these columns")
    assert "there are 4 columns, not 12" in words(app)
    app.number_input(key="imports.months.count").set_value(2)
    _press(app, "Map these columns")
    assert "“Loan No” fills “Loan number”" in words(app)
    assert imports.view(SYSTEM, batch.id).mapping["Loan No"] == "loan_number"
    app.selectbox(key="imports.months.first").set_value("Dealer")
    app.number_input(key="imports.months.count").set_value(1)
    _press(app, "Map these columns")
    assert imports.view(SYSTEM, batch.id).mapping["Dealer"] == "months_past_due@2025-01-31"


def test_an_import_whose_work_failed_can_go_back_a_step_and_be_given_up(batch):
    imports.check(SYSTEM, batch.id)
    imports.request_commit(SYSTEM, batch.id)
    app = page(batch.id)
    assert "Back a step" not in [button.label for button in app.button]
    with transaction() as session:
        session.execute(
            text(
                "UPDATE job_run SET status = 'failed', error = 'No [x](//y).' WHERE kind = 'import.commit' AND id = :id"
            ),
            {"id": imports.work_of(SYSTEM, batch.id).job_id},
        )
    app = page(batch.id)
    assert r"No \[x\]\(//y\)\." in words(app)  # what came from a file is no link
    _press(app, "Back a step")
    assert imports.view(SYSTEM, batch.id).status == "checked"
    assert imports.work_of(SYSTEM, batch.id).status == "cancelled"
    app = page(batch.id)
    assert r"No \[x\]\(//y\)\." in words(app)
    _press(app, "Give up")
    assert imports.view(SYSTEM, batch.id).status == "discarded"


def test_a_draft_whose_file_is_gone_says_so_and_can_be_given_up(batch, tmp_path):
    (tmp_path / "book.csv").unlink()
    app = page(batch.id)
    assert r"The file book\.csv is not on the server any more" in words(app)
    _press(app, "Give up")
    assert imports.view(SYSTEM, batch.id).status == "discarded"


def test_work_that_waits_is_not_stepped_back_from(batch):
    imports.request_check(SYSTEM, batch.id)
    with pytest.raises(Conflict):
        imports.step_back(SYSTEM, batch.id)


def test_the_columns_step_says_how_the_file_is_read(cast, tmp_path):
    path = tmp_path / "book.csv"
    path.write_bytes("Loan No;Loan Amount;Customer Name\nL1;5;Jos\u00e9\n".encode("cp1252"))
    batch = batches.begin(cast[Role.ADMIN], path, file_name="book.csv", kind=imports.Kind.LOAN_BOOK)
    assert "Text in Windows-1252, parted by semicolon." in words(page(batch.id))


def test_a_profile_that_ships_is_named_with_what_it_assumes(cast, tmp_path):
    path = tmp_path / "loans.csv"
    profile = next(p for p in imports.all_profiles(SYSTEM) if p.name == "SuperLender: loans")
    path.write_text(",".join(profile.mapping) + "\n" + ",".join("1" for _ in profile.mapping) + "\n")
    batch = batches.begin(cast[Role.ADMIN], path, file_name="loans.csv", kind=imports.Kind.LOAN_BOOK)
    assert f"Columns as in the profile “{profile.name}”. {profile.note}" in words(page(batch.id))


def test_days_past_due_of_reported_loans_are_derived_where_one_says_so(cast, tmp_path):
    path = tmp_path / "dues.csv"
    path.write_text("Loan No,Due date,Amount\nL1,2025-05-05,5\n")
    batch = batches.begin(cast[Role.ADMIN], path, file_name="dues.csv", kind=imports.Kind.SCHEDULE)
    app = page(batch.id)
    next(box for box in app.checkbox if box.label == "Derive days past due").check()
    _press(app, "Check the file")
    assert imports.view(SYSTEM, batch.id).options["derive"] is True


def test_the_field_stands_beside_the_column_of_the_file_so_that_a_phone_shows_it(batch):
    app = page(batch.id)
    orders = [list(frame.proto.column_order) for frame in app.dataframe]
    assert ["theirs", "ours"] in [order[:2] for order in orders]


def test_changes_are_told_in_the_words_and_amounts_of_the_screens(cast, tmp_path):
    header = "Loan No,Customer ID,Customer Name,Loan Amount,Disbursed on\n"
    for content, name in (
        ("W1,WC1,Asha,100000,2025-03-31\n", "first"),
        ("W1,WC1,Usha,120000.5,2025-04-01\nW2,WC1,Usha,5,\n", "next"),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text(header + content)
        begun = batches.begin(cast[Role.ADMIN], path, file_name=path.name, kind=imports.Kind.LOAN_BOOK)
        imports.check(SYSTEM, begun.id)
        if name == "first":
            imports.commit(SYSTEM, begun.id)
    app = page(begun.id)
    assert not app.exception
    shown = app.dataframe[0].value
    changes = {row[1]: (row[2], row[3]) for row in shown.itertuples(index=False)}
    assert changes == {
        "Principal": ("₹1,00,000", "₹1,20,000.50"),
        "Disbursed on": ("31 Mar 2025", "1 Apr 2025"),
        "Borrower name": ("Asha", "Usha"),
    }
