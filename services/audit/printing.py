"""A borrower's record as blocks of a PDF."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from db.base import AnyRow
from services import pdf
from services.audit.records import Record

NOTHING: Final = "—"


def blocks(record: Record, *, certificate: str) -> list[pdf.Block]:
    """The record, first to last.

    Args:
        record: what it says.
        certificate: SHA-256 of the certificate that the document is signed with.
    """
    return [
        pdf.Facts(_head(record)),
        pdf.Heading("Loans"),
        _loans(record),
        pdf.Heading("Contact details, masked"),
        *_table(_CONTACTS, [_contact(row) for row in record.contact_points], none="No contact detail is known."),
        pdf.Heading("What happened, first to last"),
        *_table(_FACTS, [_fact(record, row) for row in record.happened], none="No contact, promise or payment yet."),
        pdf.Heading("What the contact gate answered, first to last"),
        *_table(_DECISIONS, [_decision(record, row) for row in record.decisions], none="The gate was not asked yet."),
        pdf.Heading("Acts in the audit trail, first to last"),
        *_table(_ACTS, [_act(record, row) for row in record.entries], none="No act is in the trail yet."),
        pdf.Heading("How to check this document"),
        pdf.Paragraph(
            "It carries a signature over every byte: a PDF reader that shows signatures says whether it was changed. "
            "The sender's system holds the document's fingerprint in its sealed audit trail and tells on its Audit "
            f"page whether this file is the one that was issued. SHA-256 of the signing certificate: {certificate}.",
            is_small=True,
        ),
    ]


def _head(record: Record) -> list[tuple[str, str]]:
    chain = record.chain
    seals = "no seal yet"
    if chain.sealed_through is not None:
        seals = f"through {record.local(chain.sealed_through)}, seals {chain.seals:,}, head {chain.head.hex()}"
    return [
        ("Borrower", f"{record.borrower.name}, {record.borrower.external_id}"),
        ("Made", f"{record.local(record.made_at)} ({record.zone.key}) by {record.made_by}"),
        ("Reason", record.reason),
        (
            "Told here",
            (
                f"facts {len(record.happened):,}, answers of the contact gate {len(record.decisions):,}, "
                f"acts {len(record.entries):,}"
            ),
        ),
        ("Amounts in", record.settings.currency),
        ("Audit trail sealed", seals),
        ("Last check of the trail", record.last_check),
    ]


def _loans(record: Record) -> pdf.Grid:
    head = ("Loan", "Product", "Disbursed", "Status", "Overdue", "Outstanding", "DPD", "As of")
    rows = [
        (
            row.external_id,
            row.product,
            _day(row.disbursed_on),
            (row.status or "not derived yet").replace("_", " "),
            _amount(row.overdue_amount),
            _amount(row.outstanding),
            NOTHING if row.dpd is None else str(row.dpd),
            _day(row.as_of),
        )
        for row in record.loans
    ]
    return pdf.Grid(head, rows, widths=(3, 3, 2, 2, 2.4, 2.4, 1, 2), right=(4, 5, 6))


_Columns = tuple[tuple[str, ...], tuple[float, ...], tuple[int, ...]]
_CONTACTS: Final[_Columns] = (("Kind", "Masked", "Whose", "Use"), (1, 2, 3, 3), ())
_FACTS: Final[_Columns] = (("When", "What", "Loan", "Amount", "State", "By"), (2.7, 6, 2, 1.6, 1.6, 2), (3,))
_DECISIONS: Final[_Columns] = (
    ("When", "Channel", "Asked to", "Answer", "Rule", "Reason", "Policy"),
    (2.7, 1.2, 1.2, 1.3, 1.6, 6, 1),
    (),
)
_ACTS: Final[_Columns] = (("When", "Who", "What", "Digest"), (2.7, 2.2, 8, 2.4), ())


def _contact(row: AnyRow) -> tuple[str, ...]:
    whose = f"{row.party_name} ({row.party_role.replace('_', '-')})" if row.party_name else "the borrower"
    use = [
        "primary" if row.is_primary else "",
        "do not contact" if row.do_not_contact else "",
        "" if row.consent is None else "consent" if row.consent else "no consent",
    ]
    return row.kind, row.masked or NOTHING, whose, ", ".join(said for said in use if said)


def _fact(record: Record, row: AnyRow) -> tuple[str, ...]:
    what = f"{row.title}\n{row.detail}" if row.detail else row.title
    amount = "" if row.amount is None else _amount(row.amount)
    return record.when(row), what, row.loan_number or "", amount, _plain(row.state), row.who or ""


def _decision(record: Record, row: AnyRow) -> tuple[str, ...]:
    reason = row.reason
    if row.next_allowed_at is not None:
        reason = f"{reason} Next allowed {record.local(row.next_allowed_at)}."
    answer = "allowed" if row.is_allowed else "blocked"
    return record.local(row.at), row.channel, row.purpose, answer, row.rule or "", reason, str(row.policy_version)


def _act(record: Record, row: AnyRow) -> tuple[str, ...]:
    said = [row.summary]
    if row.reason:
        said.append(f"Reason: {row.reason}")
    said += [
        f"{label}: {json.dumps(values, ensure_ascii=False)}"
        for label, values in (("Before", row.before), ("After", row.after))
        if values
    ]
    who = f"{row.actor_name}\n{row.actor_role}"
    return record.local(row.at), who, "\n".join(said), (row.digest or b"").hex()[:16]


def _table(columns: _Columns, rows: Sequence[tuple[str, ...]], *, none: str) -> Iterator[pdf.Block]:
    if not rows:
        yield pdf.Paragraph(none)
        return
    head, widths, right = columns
    yield pdf.Grid(head, rows, widths=widths, right=right)


def _plain(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _amount(value: Decimal | None) -> str:
    return NOTHING if value is None else f"{value:,.2f}"


def _day(value: Any) -> str:
    return NOTHING if value is None else f"{value:%d %b %Y}"
