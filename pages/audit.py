"""The audit trail: search it, open an act, take out or check a borrower's record, see that nothing was changed."""

from components import audit_overrides, audit_trail, document_check, empty, exports, notices, tables
from components.guard import guard
from components.tables import Column
from services import lender
from services.actors import Permission
from services.audit import searching, verifying

actor = guard(Permission.VIEW_AUDIT)

COLUMNS = (
    Column("at", "When", "moment", width=150),
    Column("sentence", "What happened", width=560),
    Column("role", "Role", width=80),
    Column("action", "Act", width=160),
    Column("borrower_number", "Borrower", width=110, help="The lender's own number"),
)

state = verifying.state(actor)
audit_trail.chain(actor, state)
audit_overrides.show(actor)
document_check.check(actor)
wanted = audit_trail.search_form(actor, lender.current().today)
place = f"audit.events.{hash(wanted)}"
with notices.showing_errors():
    page = searching.search(actor, wanted, before_id=tables.position(place))
    if not page.events:
        empty.empty("Nothing matches.", "Widen the period, or leave a field empty.", icon=":material/search_off:")
    else:
        chosen = tables.table(audit_trail.rows(page.events), COLUMNS, key="audit.table", select="id")
        tables.totals(len(page.events), noun="events", of=page.found_label)
        tables.next_page(place, page.next_before, is_first=tables.position(place) is None)
        exports.downloads("Audit trail", lambda: searching.export(actor, wanted), key="audit.export")
        if chosen is not None:
            audit_trail.opened(searching.detail(actor, chosen))
    if wanted.whom:  # facts of a borrower whom nobody has dealt with yet are a record, too
        document_check.take_out(actor, wanted.whom, state.last)
