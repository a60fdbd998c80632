"""What `make bench` measures. Each `bench_*.py` beside this file has `run(bench) -> Iterable[Result]`."""
