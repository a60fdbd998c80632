"""Running the product on a machine: checks before the start, the schema, the processes and their supervisor."""
