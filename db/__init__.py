"""The store: engine and transactions, models, every SQL statement, migrations, embedded servers. No business rules."""
