"""The decision on an application for relief, as a letter; a PDF."""

from services import clock, pdf
from services.hardship.values import RELIEFS, Hardship
from services.lender import LenderSettings
from services.wording import Words


def letter(made: Hardship, lender: LenderSettings, *, is_granted: bool, contact: str | None) -> bytes:
    """What was decided, what it means, and where the borrower may turn."""
    words = Words(lender)
    said = _granted(made, words) if is_granted else _refused(made)
    return pdf.render(
        title="Relief is granted" if is_granted else "Your application for relief",
        letterhead=(lender.name, f"{made.number} of {words.day(made.decided_on or made.applied_on)}"),
        reference=made.number,
        made_at=clock.now(),
        blocks=[
            pdf.Paragraph(f"Dear {made.borrower_name},"),
            pdf.Paragraph(f"on {words.day(made.applied_on)} you asked us for relief because of your situation."),
            *said,
            pdf.Paragraph(
                "If your situation changes, for better or worse, tell us: we will look at it together. If you "
                f"disagree, write to our grievance officer at {words.contact(contact)}. If we do not answer within 30 "
                "days, you may turn to the RBI Ombudsman at https://cms.rbi.org.in.",
                is_small=True,
            ),
            pdf.Gap(6),
            pdf.Signature((f"For {lender.name}",)),
        ],
    )


def _granted(made: Hardship, words: Words) -> list[pdf.Block]:
    rows = [("Relief", RELIEFS[made.relief]), ("From", words.day(made.relief_from))]
    if made.amount is not None and made.months is not None:
        rows += [
            ("Loan", made.loan_number or ""),
            ("Each month", words.amount(made.amount)),
            ("For", f"{made.months} months"),
        ]
        meaning = "Paid by their dates, these instalments are all that we ask you for while the relief lasts."
    else:
        rows.append(("Until", words.day(made.relief_until)))
        meaning = "Until then we do not ask you to pay, and send no reminders."
    rows.append(("We look at it again on", words.day(made.review_on)))
    return [
        pdf.Facts(rows),
        pdf.Paragraph(meaning),
        pdf.Paragraph(
            "What is not paid stays owed, interest goes on as your contract says, and the loan may be reported as "
            "restructured."
        ),
    ]


def _refused(made: Hardship) -> list[pdf.Block]:
    return [
        pdf.Paragraph("We cannot grant it. The reason:"),
        pdf.Paragraph(made.decision_reason or "", is_bold=True),
        pdf.Paragraph("You may apply again when something has changed, or send us what was missing."),
    ]
