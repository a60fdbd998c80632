"""The one definition of delinquency: where loans stand as of a business date, from facts dated up to it.

One text serves the day-end close (a range of loan ids) and a single fact (a list of ids): only the scope differs. Read
docs/delinquency.md first; the stages below follow its order.

- `book`, `dues`, `received`, `paid`, `bounced`, `reported`, `standing`: sums per loan. For most loans they suffice.
- `traced`, `history`, `schedule`, `ledger`: due date by due date, only for loans that owe, are ahead, paid in parts, or
  belong to a borrower in arrears.
- `boundary`, `upcoming`, `partials`: oldest unpaid due date, components, next due, part payments.
- `arrears`, `npa`: the borrower's episodes of arrears, for the upgrade rule.
- `derived`: one row a loan.
"""

from db.queries.loan_scope import Scope

# A reversed payment counts as if it never came, once its reversal is known.
_SUMS = """
book AS MATERIALIZED (
    SELECT l.id AS loan_id, l.borrower_id, l.segment_id, l.source, l.principal, l.disbursed_on,
           least(CASE WHEN l.closed_on <= :as_of THEN l.closed_on END, z.settled_on) AS closed_on,
           CASE WHEN l.written_off_on <= :as_of THEN l.written_off_on END AS written_off_on,
           array_position(p.allocation_order, 'interest') < array_position(p.allocation_order, 'principal')
               AS interest_before_principal,
           array_position(p.allocation_order, 'charges') < array_position(p.allocation_order, 'principal')
               AS charges_before_principal,
           array_position(p.allocation_order, 'charges') < array_position(p.allocation_order, 'interest')
               AS charges_before_interest,
           {loan} AS in_scope
    FROM loan l JOIN product p ON p.id = l.product_id
    LEFT JOIN (
        -- a settlement that was paid closes its loan: what is left was waived
        SELECT loan_id, min(resolved_on) AS settled_on FROM settlement
        WHERE status = 'completed' AND resolved_on <= :as_of AND {fact}
        GROUP BY loan_id
    ) z ON z.loan_id = l.id
    WHERE {loan_or_relative}
), dues AS (
    SELECT loan_id,
           sum(amount) FILTER (WHERE due_on <= :as_of) AS due_to_date,
           sum(amount) FILTER (WHERE due_on <= :as_of AND due_on >= :month_start) AS demand_mtd,
           coalesce(sum(principal) FILTER (WHERE due_on > :as_of), 0) AS principal_not_due,
           max(amount) AS largest,
           max(amount) FILTER (WHERE due_on > CAST(:as_of AS date) - 210) AS largest_lately,
           coalesce(sum(amount) FILTER (WHERE due_on <= CAST(:as_of AS date) - 210), 0) AS due_before,
           min(due_on) AS first_due_on,
           max(due_on) AS last_due_on,
           min(due_on) FILTER (WHERE due_on > :as_of AND amount > 0) AS next_due_on
    FROM (SELECT loan_id, due_on, principal, principal + interest + charges AS amount
          FROM {instalments} due WHERE {fact} OFFSET 0) i
    GROUP BY loan_id
), taken_back AS MATERIALIZED (
    SELECT loan_id, reverses_reference AS reference, sum(amount) AS amount
    FROM payment
    WHERE kind = 'reversal' AND paid_on <= :as_of AND {fact}
    GROUP BY loan_id, reverses_reference
), received AS MATERIALIZED (
    SELECT y.loan_id, y.id, y.paid_on, CASE WHEN t.amount IS NULL THEN y.amount ELSE y.amount - t.amount END AS amount
    FROM payment y
    LEFT JOIN taken_back t ON t.loan_id = y.loan_id AND t.reference = y.reference
    WHERE y.kind = 'payment' AND y.paid_on <= :as_of AND {payment} AND (t.amount IS NULL OR y.amount > t.amount)
), paid AS (
    SELECT loan_id, sum(amount) AS paid_to_date,
           sum(amount) FILTER (WHERE paid_on >= :month_start) AS collected_mtd,
           max(paid_on) AS last_paid_on,
           sum(amount) FILTER (WHERE paid_on > CAST(:as_of AS date) - 180) AS paid_lately,
           min(amount) FILTER (WHERE paid_on > CAST(:as_of AS date) - 180) AS smallest
    FROM received GROUP BY loan_id
), bounced AS (
    SELECT loan_id, count(*) AS bounces_total,
           count(*) FILTER (WHERE presented_on > CAST(:as_of AS date) - 180) AS bounces
    FROM mandate_presentation
    WHERE result = 'bounced' AND presented_on <= :as_of AND {fact}
    GROUP BY loan_id
), reported AS (
    SELECT b.loan_id, r.as_of AS reported_on, r.dpd, r.outstanding, r.overdue_amount, r.status,
           r.as_of >= date_trunc('month', (SELECT max(x.as_of) FROM reported_snapshot x WHERE x.as_of <= :as_of))
               AS is_current
    FROM book b
    CROSS JOIN LATERAL (
        SELECT * FROM reported_snapshot r WHERE r.loan_id = b.loan_id AND r.as_of <= :as_of
        ORDER BY r.as_of DESC LIMIT 1
    ) r
    WHERE b.source = 'snapshot'
), standing AS MATERIALIZED (
    SELECT b.*, coalesce(d.due_to_date, 0) AS due_to_date, coalesce(y.paid_to_date, 0) AS paid_to_date,
           coalesce(d.demand_mtd, 0) AS demand_mtd, coalesce(y.collected_mtd, 0) AS collected_mtd,
           d.principal_not_due, d.first_due_on, d.last_due_on,
           d.next_due_on, y.last_paid_on,
           -- a part payment is smaller than the instalment it goes to. If what fell due long ago was paid before the
           -- payments that count, these went to later instalments, and only those can be larger. Few loans remain.
           coalesce(y.smallest < CASE WHEN y.paid_to_date - y.paid_lately >= d.due_before
                                      THEN d.largest_lately ELSE d.largest END, false)
               AND b.closed_on IS NULL AND (d.last_due_on > :as_of OR y.paid_to_date < d.due_to_date)
               AS may_pay_in_parts,
           coalesce(n.bounces, 0) AS bounces, coalesce(n.bounces_total, 0) AS bounces_total,
           r.reported_on, r.dpd AS reported_dpd, r.outstanding AS reported_outstanding,
           r.overdue_amount AS reported_overdue, r.status AS reported_status, r.is_current,
           CASE WHEN :npa_by_borrower THEN b.borrower_id ELSE b.loan_id END AS debtor_id,
           b.closed_on IS NULL AND CASE WHEN b.source = 'snapshot' THEN coalesce(r.dpd, 0) > 0
               ELSE coalesce(d.due_to_date, 0) > coalesce(y.paid_to_date, 0) END AS is_overdue
    FROM book b
    LEFT JOIN dues d ON d.loan_id = b.loan_id
    LEFT JOIN paid y ON y.loan_id = b.loan_id
    LEFT JOIN bounced n ON n.loan_id = b.loan_id
    LEFT JOIN reported r ON r.loan_id = b.loan_id
)"""

_LEDGER = """
traced AS MATERIALIZED (
    SELECT s.*, u.debtor_id IS NOT NULL AS is_suspect
    FROM standing s
    LEFT JOIN (SELECT DISTINCT debtor_id FROM standing WHERE is_overdue) u ON u.debtor_id = s.debtor_id
    WHERE u.debtor_id IS NOT NULL OR s.may_pay_in_parts OR s.paid_to_date <> s.due_to_date
), history AS MATERIALIZED (
    SELECT loan_id, array_agg(paid_on) AS days, array_agg(amount) AS amounts, array_agg(total) AS totals
    FROM (SELECT r.loan_id, r.paid_on, r.amount,
                 sum(r.amount) OVER (PARTITION BY r.loan_id ORDER BY r.paid_on, r.id ROWS UNBOUNDED PRECEDING) AS total
          FROM received r JOIN traced t ON t.loan_id = r.loan_id
          ORDER BY r.loan_id, r.paid_on, r.id) y
    GROUP BY loan_id
), schedule AS MATERIALIZED (
    SELECT i.loan_id, i.number, i.due_on, i.principal, i.interest, i.charges, i.amount,
           sum(i.amount) OVER (PARTITION BY i.loan_id ORDER BY i.due_on, i.number ROWS UNBOUNDED PRECEDING) AS total
    FROM (SELECT loan_id, number, due_on, principal, interest, charges, principal + interest + charges AS amount
          FROM {instalments} i WHERE {fact} AND loan_id IN (SELECT loan_id FROM traced WHERE source = 'schedule')
          OFFSET 0) i
    WHERE i.amount > 0
), ledger AS MATERIALIZED (
    SELECT t.debtor_id, t.closed_on, t.in_scope, t.is_suspect, t.may_pay_in_parts, t.paid_to_date,
           t.interest_before_principal, t.charges_before_principal, t.charges_before_interest, i.*,
           CASE WHEN t.is_suspect AND i.due_on <= :as_of AND i.total <= t.paid_to_date
                THEN h.days[width_bucket(i.total - 0.01, h.totals) + 1] END AS settled_on
    FROM schedule i
    JOIN traced t ON t.loan_id = i.loan_id
    LEFT JOIN history h ON h.loan_id = i.loan_id
)"""

_STANDING_OF_TRACED = """
unpaid AS MATERIALIZED (
    SELECT loan_id, due_on, due_on <= :as_of AS is_due, total > paid_to_date + amount AS is_untouched,
           least(amount, total - paid_to_date) AS amount, amount - (total - paid_to_date) AS settled,
           principal, interest, charges,
           interest_before_principal, charges_before_principal, charges_before_interest
    FROM ledger WHERE in_scope AND total > paid_to_date
), remaining AS (
    SELECT loan_id, due_on, is_due, principal, interest, charges FROM unpaid WHERE is_untouched
    UNION ALL
    SELECT loan_id, due_on, is_due,
           greatest(least(principal, principal - settled + CASE WHEN interest_before_principal THEN interest ELSE 0 END
                                     + CASE WHEN charges_before_principal THEN charges ELSE 0 END), 0),
           greatest(least(interest, interest - settled + CASE WHEN interest_before_principal THEN 0 ELSE principal END
                                    + CASE WHEN charges_before_interest THEN charges ELSE 0 END), 0),
           greatest(least(charges, charges - settled + CASE WHEN charges_before_principal THEN 0 ELSE principal END
                                   + CASE WHEN charges_before_interest THEN 0 ELSE interest END), 0)
    FROM unpaid WHERE NOT is_untouched
), boundary AS MATERIALIZED (
    SELECT loan_id, sum(principal) AS outstanding,
           min(due_on) FILTER (WHERE is_due) AS oldest_due_on,
           count(*) FILTER (WHERE is_due) AS missed_instalments,
           sum(principal) FILTER (WHERE is_due) AS overdue_principal,
           sum(interest) FILTER (WHERE is_due) AS overdue_interest,
           sum(charges) FILTER (WHERE is_due) AS overdue_charges,
           min(due_on) FILTER (WHERE NOT is_due) AS next_due_on
    FROM remaining GROUP BY loan_id
), upcoming AS (
    SELECT i.loan_id, sum(i.principal + i.interest + i.charges) AS amount
    FROM standing s JOIN {instalments} i ON i.loan_id = s.loan_id AND i.due_on = s.next_due_on
    WHERE s.paid_to_date <= s.due_to_date AND i.due_on > :as_of
      AND i.due_on <= (SELECT max(next_due_on) FROM standing) AND {instalment}
    GROUP BY i.loan_id
    UNION ALL
    SELECT u.loan_id, sum(u.amount)
    FROM standing s JOIN boundary b ON b.loan_id = s.loan_id
    JOIN unpaid u ON u.loan_id = s.loan_id AND u.due_on = b.next_due_on
    WHERE s.paid_to_date > s.due_to_date
    GROUP BY u.loan_id
), latest AS (
    SELECT r.loan_id, sum(r.amount) AS amount
    FROM received r JOIN standing s ON s.loan_id = r.loan_id AND s.last_paid_on = r.paid_on
    GROUP BY r.loan_id
), partials AS (
    SELECT h.loan_id, count(*) AS partial_payments
    FROM history h
    JOIN (SELECT loan_id, array_agg(total ORDER BY due_on, number) AS totals,
                 array_agg(amount ORDER BY due_on, number) AS amounts
          FROM ledger WHERE may_pay_in_parts AND in_scope GROUP BY loan_id) i ON i.loan_id = h.loan_id
    CROSS JOIN LATERAL unnest(h.days, h.amounts, h.totals) AS y (paid_on, amount, total)
    WHERE y.paid_on > CAST(:as_of AS date) - 180
      AND y.amount < i.amounts[width_bucket(y.total - y.amount, i.totals) + 1]
    GROUP BY h.loan_id
)"""

# An episode of arrears is a run of day-ends with something overdue on any loan of the borrower. Whoever reached 90
# days within the running episode stays NPA until a day-end without arrears (IN-15).
_NPA = """
arrears AS MATERIALIZED (
    SELECT debtor_id, due_on AS from_on,
           least(coalesce(settled_on - 1, :as_of), closed_on - 1) AS to_on, due_on + 90 AS npa_on
    FROM ledger
    WHERE is_suspect AND due_on <= :as_of
    UNION ALL
    SELECT t.debtor_id, r.from_on,
           least(r.to_on, t.closed_on - 1), CASE WHEN r.dpd >= 90 THEN greatest(r.as_of - r.dpd + 90, r.from_on) END
    FROM traced t
    CROSS JOIN LATERAL (
        SELECT x.as_of, x.dpd,
               -- days past due that reach back over a report without arrears are not believed beyond it
               greatest(x.as_of - x.dpd, max(x.as_of) FILTER (WHERE x.dpd = 0) OVER earlier + 1) AS from_on,
               coalesce(lead(x.as_of) OVER day - 1, :as_of) AS to_on
        FROM reported_snapshot x WHERE x.loan_id = t.loan_id AND x.as_of <= :as_of
        WINDOW day AS (ORDER BY x.as_of),
               earlier AS (ORDER BY x.as_of ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) OFFSET 0
    ) r
    WHERE t.is_suspect AND t.source = 'snapshot' AND r.dpd > 0
), episode AS (
    SELECT debtor_id, from_on, to_on, CASE WHEN npa_on <= to_on THEN npa_on END AS npa_on,
           coalesce(from_on > max(to_on) OVER (PARTITION BY debtor_id ORDER BY from_on, to_on
                                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 1, true) AS begins
    FROM arrears
    WHERE from_on <= to_on AND debtor_id IN (SELECT debtor_id FROM arrears WHERE npa_on <= to_on)
), npa AS MATERIALIZED (
    SELECT e.debtor_id, min(e.npa_on) AS npa_since
    FROM episode e
    JOIN (SELECT debtor_id, max(from_on) AS from_on FROM episode WHERE begins GROUP BY debtor_id
          ) running ON running.debtor_id = e.debtor_id AND e.from_on >= running.from_on
    GROUP BY e.debtor_id
    HAVING max(e.to_on) = :as_of AND min(e.npa_on) IS NOT NULL
)"""

_DERIVED = """
figures AS (
    SELECT s.*, b.oldest_due_on, n.npa_since, l.amount AS last_paid_amount, u.amount AS next_due_amount,
           CASE WHEN s.closed_on IS NOT NULL THEN 'closed'
                WHEN s.written_off_on IS NOT NULL THEN 'written_off'
                WHEN s.source = 'snapshot' THEN coalesce(s.reported_status, 'active')
                WHEN s.last_due_on <= :as_of AND s.paid_to_date >= s.due_to_date THEN 'closed'
                ELSE 'active' END AS status,
           CASE WHEN s.source = 'snapshot' THEN coalesce(s.reported_dpd, 0)
                ELSE coalesce(:as_of - b.oldest_due_on, 0) END AS dpd,
           CASE WHEN s.source = 'snapshot' THEN coalesce(s.reported_overdue, 0)
                ELSE greatest(s.due_to_date - s.paid_to_date, 0) END AS overdue_amount,
           coalesce(b.overdue_principal, 0) AS overdue_principal,
           coalesce(b.overdue_interest, 0) AS overdue_interest,
           coalesce(b.overdue_charges, 0) AS overdue_charges,
           CASE WHEN s.source = 'snapshot' THEN coalesce(s.reported_outstanding, s.principal)
                WHEN s.principal_not_due IS NULL THEN greatest(s.principal - s.paid_to_date, 0)
                WHEN s.paid_to_date = s.due_to_date THEN s.principal_not_due
                ELSE coalesce(b.outstanding, 0) END AS outstanding,
           coalesce(b.missed_instalments, 0) AS missed_instalments,
           coalesce(p.partial_payments, 0) AS partial_payments,
           CASE WHEN s.paid_to_date > s.due_to_date THEN b.next_due_on ELSE s.next_due_on END AS upcoming_on
    FROM standing s
    LEFT JOIN boundary b ON b.loan_id = s.loan_id
    LEFT JOIN latest l ON l.loan_id = s.loan_id
    LEFT JOIN upcoming u ON u.loan_id = s.loan_id
    LEFT JOIN partials p ON p.loan_id = s.loan_id
    LEFT JOIN npa n ON n.debtor_id = s.debtor_id
    WHERE s.in_scope
), owing AS (
    SELECT f.*, f.status <> 'closed' AND f.is_overdue AS owes FROM figures f
), derived AS MATERIALIZED (
    SELECT loan_id, borrower_id, segment_id, status,
           CASE WHEN owes THEN dpd ELSE 0 END AS dpd,
           CASE status WHEN 'closed' THEN 100 WHEN 'written_off' THEN 101
                ELSE width_bucket(CASE WHEN owes THEN dpd ELSE 0 END - 1, CAST(:bucket_edges AS integer[])) END
               AS bucket,
           CASE WHEN status = 'closed' THEN 'standard'
                WHEN status = 'written_off' OR npa_since IS NOT NULL THEN 'npa'
                WHEN NOT owes THEN 'standard'
                WHEN dpd >= 90 THEN 'npa' WHEN dpd >= 60 THEN 'sma_2' WHEN dpd >= 30 THEN 'sma_1' ELSE 'sma_0' END
               AS asset_class,
           CASE WHEN status <> 'closed' THEN npa_since END AS npa_since,
           CASE WHEN owes THEN CASE WHEN source = 'snapshot' THEN reported_on - dpd ELSE oldest_due_on END END
               AS oldest_due_on,
           due_to_date, paid_to_date,
           CASE WHEN owes THEN overdue_amount ELSE 0 END AS overdue_amount,
           CASE WHEN owes THEN overdue_principal ELSE 0 END AS overdue_principal,
           CASE WHEN owes THEN overdue_interest ELSE 0 END AS overdue_interest,
           CASE WHEN owes THEN overdue_charges ELSE 0 END AS overdue_charges,
           CASE WHEN status = 'closed' THEN 0 ELSE outstanding END AS outstanding,
           CASE WHEN owes THEN missed_instalments ELSE 0 END AS missed_instalments,
           partial_payments, bounces, bounces_total,
           CASE WHEN status = 'active' THEN upcoming_on END AS next_due_on,
           CASE WHEN status = 'active' THEN next_due_amount END AS next_due_amount,
           last_paid_on, last_paid_amount, demand_mtd, collected_mtd,
           greatest(least(paid_to_date - (due_to_date - demand_mtd), demand_mtd), 0) AS collected_of_demand,
           coalesce(disbursed_on, first_due_on, '-infinity') <= :as_of AND (source = 'schedule' OR is_current)
               AND (status = 'active'
                    OR coalesce(closed_on, written_off_on, reported_on, greatest(last_paid_on, last_due_on))
                       >= :month_start) AS is_on_book
    FROM owing
)"""

COLUMNS = (
    "borrower_id",
    "segment_id",
    "status",
    "dpd",
    "bucket",
    "asset_class",
    "npa_since",
    "oldest_due_on",
    "due_to_date",
    "paid_to_date",
    "overdue_amount",
    "overdue_principal",
    "overdue_interest",
    "overdue_charges",
    "outstanding",
    "missed_instalments",
    "partial_payments",
    "bounces",
    "bounces_total",
    "next_due_on",
    "next_due_amount",
    "last_paid_on",
    "last_paid_amount",
    "demand_mtd",
    "collected_mtd",
    "collected_of_demand",
)
"""What `derived` gives for each loan, beside its id and `is_on_book`: whether the day-end's snapshot holds it."""


# Of a due date with waived charges the rest is owed, from the day of the waiver on.
_WAIVED = """
waived AS MATERIALIZED (
    SELECT loan_id, number, sum(amount) AS amount FROM charge_waiver_part
    WHERE waived_on <= :as_of AND (taken_back_on IS NULL OR taken_back_on > :as_of) AND {fact}
    GROUP BY loan_id, number
)"""
_LESS_WAIVED = """(
    SELECT k.loan_id, k.number, k.due_on, k.principal, k.interest,
           -- a later file may have lowered the charges themselves
           greatest(k.charges - coalesce(w.amount, 0), 0) AS charges
    FROM instalment k LEFT JOIN waived w ON w.loan_id = k.loan_id AND w.number = k.number)"""


def has_waivers(scope: Scope) -> str:
    """Whether charges of any loan of the scope were waived: only then the derivation pays for looking."""
    return f"SELECT EXISTS (SELECT FROM charge_waiver_part WHERE {scope.or_relatives('loan_id')})"


def derivation(scope: Scope, *, waives: bool) -> str:
    """The stages up to `derived`, to be followed by what is done with it: 'WITH ... derived AS (...)'.

    `waives`: charges of some loan of the scope were waived, see `has_waivers`.

    Binds as_of (date), month_start (first day of its month), npa_by_borrower, bucket_edges, and the scope's values.
    """
    parts = (*([_WAIVED] if waives else []), _SUMS, _LEDGER, _STANDING_OF_TRACED, _NPA, _DERIVED)
    return "WITH " + ",".join(parts).format(
        loan=scope.on("l.id"),
        loan_or_relative=scope.or_relatives("l.id"),
        fact=scope.or_relatives("loan_id"),
        payment=scope.or_relatives("y.loan_id"),
        instalment=scope.on("i.loan_id"),
        instalments=_LESS_WAIVED if waives else "instalment",
    )
