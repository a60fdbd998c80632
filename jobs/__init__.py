"""What runs in the background: thin functions that call one service, the cron table, the worker."""
