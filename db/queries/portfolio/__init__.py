"""Statements of the portfolio pages. They read aggregates; only `accounts` reads loans, a page at a time."""
