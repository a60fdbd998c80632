"""On the audit page: taking out a borrower's record, and checking a document that came back from somewhere."""

import streamlit as st

from components import dates, notices
from services import signing
from services.actors import Actor
from services.audit import checking, documents
from services.audit.checking import Finding, Issue, Verdict
from services.audit.documents import Form
from services.audit.verifying import Verification

_MOST_MB = checking.MAX_BYTES // 1024 // 1024
_FORMS = {Form.PDF: "Signed PDF", Form.HTML: "Web page"}


def take_out(actor: Actor, number: str, last: Verification | None) -> None:
    """Takes out the record of the borrower searched for, as a document, with the reason.

    Args:
        actor: who takes it out.
        number: the lender's number of the borrower or of a loan.
        last: what the last check of the chain found.
    """
    with st.popover(f"Record of {notices.plain(number)}", icon=":material/description:"):
        if last is not None and not last.is_intact:
            st.warning(
                "**The chain is broken.** The document tells the trail as it stands, and that the last check failed.",
                icon=":material/gpp_bad:",
            )
        form = st.segmented_control(
            "As", list(Form), default=Form.PDF, required=True, format_func=_FORMS.__getitem__, key="audit.form"
        )
        reason = st.text_input("Reason", key="audit.reason", placeholder="For whom and why", max_chars=200)
        if not st.button("Prepare the document", key="audit.prepare", disabled=not reason.strip(), type="primary"):
            st.caption(
                "Everything recorded about this borrower, first to last. The PDF is signed: anybody can check that it "
                "was not changed."
            )
            return
        with notices.showing_errors(), st.spinner("Writing the record…"):
            document = documents.borrower_record(actor, number, reason=reason.strip(), form=form or Form.PDF)
            st.download_button(
                "Download",
                document.content,
                document.file_name,
                document.media_type,
                icon=":material/download:",
                on_click="ignore",
            )
            st.caption(f"SHA-256 {document.sha256}, also in the trail.")


def check(actor: Actor) -> None:
    """What the trail knows of a chosen file; beside it the certificate, for whoever checks elsewhere."""
    with st.popover("Check a document", icon=":material/policy:"):
        st.markdown("**Was this record issued here, and is it unchanged?**")
        file = st.file_uploader(
            "A record as PDF or web page", type=["pdf", "html"], key="audit.check", max_upload_size=_MOST_MB
        )
        with notices.showing_errors():
            if file is not None:
                _tell(checking.check(actor, file.getvalue()))
            else:
                st.caption("The file is compared with the audit trail and kept nowhere.")
            _certificate()


def _certificate() -> None:
    identity = signing.identity()
    st.download_button(
        "Certificate of the signing key",
        identity.certificate_pem,
        "document-signing.crt",
        "application/x-x509-ca-cert",
        key="audit.certificate",
        icon=":material/key:",
        type="tertiary",
        on_click="ignore",
        help=f"For a regulator: lets a PDF reader trust it. {identity.name}, SHA-256 {identity.fingerprint}.",
    )


def _tell(found: Finding) -> None:
    match found.verdict:
        case Verdict.UNCHANGED:
            st.success("**Issued here and unchanged**, byte for byte.", icon=":material/verified:")
        case Verdict.ADDED_TO:
            st.warning(
                "**Issued here, and something was added to it later.** What was signed is unchanged within the file, "
                "but a reader may show what was added instead of it: ask for the file as it was issued.",
                icon=":material/difference:",
            )
        case Verdict.CHANGED:
            st.error(
                "**Changed after it was issued.** The file carries the signature of a record that was issued here, and "
                "no longer says what was signed.",
                icon=":material/gpp_bad:",
            )
        case Verdict.UNKNOWN:
            st.error(f"**Not known here.** {_unknown(found)}", icon=":material/help:")
    if found.issue is not None:
        _issue(found.issue)
    st.caption(f"SHA-256 of this file: {found.sha256}")


def _unknown(found: Finding) -> str:
    has = "It carries a signature that this trail does not know" if found.signatures else "It carries no signature"
    return (
        f"{has}, and no record with its fingerprint was taken out here. It was made elsewhere, or saved anew: a copy "
        "that was printed, scanned or exported again loses the signature."
    )


def _issue(issue: Issue) -> None:
    seal = "under a seal" if issue.is_sealed else "not sealed yet"
    why = notices.plain(issue.reason) if issue.reason else dates.NOTHING
    st.markdown(
        f"Record of borrower **{notices.plain(issue.borrower_number)}**, taken out {dates.moment(issue.at)} by "
        f"{notices.plain(issue.by)} ({issue.role}).  \nReason: {why}  \nEvent {issue.event_id} of the trail, {seal}."
    )
