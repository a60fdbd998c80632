"""Statements of imports: batches and profiles, staging, casts and checks, and one module for each kind of facts."""
