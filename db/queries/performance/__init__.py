"""Statements of performance: sums of a month to date by who had the cases, and what pages read of them."""
