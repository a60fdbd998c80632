"""The accounts behind a row of performance by bucket: those that began the month in it, wherever they stand since."""

from collections.abc import Iterable
from datetime import date

from services.portfolio.accounts import AccountFilter, AccountsOf, Move
from services.portfolio.filtering import PortfolioFilter, opening_of
from services.portfolio.rolls import WAYS_OUT


def of_bucket(
    bucket: int, *, as_of: date, closes: Iterable[date], scope: PortfolioFilter, buckets: int
) -> AccountFilter | None:
    """The accounts of an opening bucket; None: there are none to tell.

    A row counts who was in the bucket at the day-end before the month, not who is in it now. Of those who were current
    then, only who fell due since has a case: accounts that are past due at the as-of date.

    Args:
        bucket: the row's opening bucket; 0 for what fell due in the month.
        as_of: the day-end that the page shows.
        closes: last closed day of each month.
        scope: part of the book.
        buckets: how many the lender has.
    """
    opening = opening_of(as_of, tuple(sorted(closes)))
    if bucket >= buckets or (opening is None and bucket == 0):
        return None
    if opening is None:  # the bucket at the as-of date stood in
        return AccountFilter(scope=scope, of=AccountsOf.ACTIVE, buckets=(bucket,), as_of=as_of)
    past_due = tuple(range(1, buckets))
    ends = past_due if bucket == 0 else (0, *past_due, *WAYS_OUT)
    return AccountFilter(scope=scope, move=Move(opening, as_of, (bucket,), ends))
