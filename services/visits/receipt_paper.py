"""A receipt as PDF: who paid what on which loan, to whom."""

from services import clock, pdf
from services.lender import LenderSettings
from services.visits.values import MODES, Receipt
from services.wording import Words


def paper(made: Receipt, settings: LenderSettings, *, grievance_contact: str | None) -> bytes:
    """The receipt for the borrower; a PDF.

    Args:
        made: what was taken.
        settings: whose receipt it is; its locale writes amounts and dates.
        grievance_contact: where the borrower may complain; None: the sender's own address.
    """
    words = Words(settings)
    at = clock.local(made.received_at, settings.time_zone)
    return pdf.render(
        title=f"Receipt {made.number}",
        letterhead=(settings.name, f"{words.day(at.date())}, {at:%H:%M}"),
        reference=f"{made.number} · {made.loan_number}",
        made_at=clock.now(),
        blocks=[
            pdf.Paragraph(f"Received {words.amount(made.amount)}", is_bold=True),
            pdf.Facts(
                [
                    ("Borrower", f"{made.borrower_name} ({made.borrower_number})"),
                    ("Loan", made.loan_number),
                    ("From", made.paid_by),
                    ("By", MODES[made.mode]),
                    *_cheque(made, words),
                    ("Received by", made.received_by_name),
                    *([("Paper receipt", made.paper_number)] if made.paper_number else []),
                ]
            ),
            pdf.Paragraph(_credit(made)),
            pdf.Paragraph(
                "Keep this receipt. Pay nobody who does not give you one. The collector may not keep any of the money "
                "and may not ask for a fee.",
            ),
            pdf.Paragraph(
                f"If something here is wrong, write to our grievance officer at {words.contact(grievance_contact)}.",
                is_small=True,
            ),
            pdf.Gap(4),
            pdf.Signature((made.received_by_name, f"For {settings.name}")),
        ],
    )


def _cheque(made: Receipt, words: Words) -> list[tuple[str, str]]:
    if made.cheque_on is None:
        return []
    return [("Cheque", f"{made.cheque_number} of {words.day(made.cheque_on)}, {made.cheque_bank}")]


def _credit(made: Receipt) -> str:
    if made.mode == "cheque":
        return "Subject to realisation: the cheque is credited to your loan once the bank has paid it."
    return "The amount is credited to your loan today."
