"""The groups of commands of `manage.py`: each asks one service and prints what came out. No rules here."""
