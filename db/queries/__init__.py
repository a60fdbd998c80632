"""Every SQL statement of the product, one module a subject. Functions take a session first and return plain values."""
