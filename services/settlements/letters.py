"""The letter of a settlement, as PDF: what is owed, what is waived, what is to be paid when, and what else follows."""

from services import clock, pdf
from services.lender import LenderSettings
from services.settlements.values import Settlement
from services.wording import Words


def letter(made: Settlement, lender: LenderSettings, *, grievance_contact: str | None) -> bytes:
    """The offer to the borrower; a PDF.

    Args:
        made: the approved settlement.
        lender: whose letter it is; its locale writes amounts and dates.
        grievance_contact: where the borrower may complain; None: the sender's own address.
    """
    words = Words(lender)
    contact = words.contact(grievance_contact)
    return pdf.render(
        title=f"Settlement of loan {made.loan_number}",
        letterhead=(lender.name, f"Offer {made.number} of {words.day(made.approved_on or made.offered_on)}"),
        reference=f"{made.number} · {made.loan_number}",
        made_at=clock.now(),
        blocks=[
            pdf.Paragraph(f"Dear {made.borrower_name},"),
            pdf.Paragraph(
                f"on {words.day(made.offered_on)} you owed {words.amount(made.owed.whole)} on loan {made.loan_number}. "
                f"We offer to close the loan for {words.amount(made.amount)}, and to waive the rest."
            ),
            *_waived(made, words),
            *_parts(made, words),
            pdf.Heading("How it works"),
            pdf.Paragraph(
                f"The offer stands until {words.day(made.valid_until)}. Tell us by then that you accept it. Payments "
                "count from the day on which you accept."
            ),
            pdf.Paragraph(
                "Once all parts are paid by their dates, nothing more is owed on this loan, and we report it as "
                "settled. A settled loan stands in your credit record as settled, not as paid in full."
            ),
            pdf.Paragraph(
                "If a part is not paid by its date, the settlement ends: the whole amount is owed again, less what you "
                "paid."
            ),
            pdf.Paragraph(
                f"If something here is wrong, or you disagree, write to our grievance officer at {contact}. If we do "
                "not answer within 30 days, you may turn to the RBI Ombudsman at https://cms.rbi.org.in.",
                is_small=True,
            ),
            pdf.Gap(6),
            pdf.Signature((f"For {lender.name}",)),
        ],
    )


def _waived(made: Settlement, words: Words) -> list[pdf.Block]:
    rows = [
        (label, words.amount(owed), words.amount(waived), words.amount(owed - waived))
        for label, owed, waived in (
            ("Principal", made.owed.principal, made.waived.principal),
            ("Interest", made.owed.interest, made.waived.interest),
            ("Charges", made.owed.charges, made.waived.charges),
        )
    ]
    total = ("In all", words.amount(made.owed.whole), words.amount(made.waived.whole), words.amount(made.amount))
    return [
        pdf.Heading("What is waived"),
        pdf.Grid(("", "Owed", "Waived", "To be paid"), rows, right=(1, 2, 3), total=total),
    ]


def _parts(made: Settlement, words: Words) -> list[pdf.Block]:
    rows = [(str(part.number), words.day(part.due_on), words.amount(part.amount)) for part in made.parts]
    return [
        pdf.Heading("What is to be paid"),
        pdf.Grid(
            ("No.", "By", "Amount"), rows, widths=(1, 4, 4), right=(2,), total=("", "", words.amount(made.amount))
        ),
    ]
