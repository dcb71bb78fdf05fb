"""The results table, made by one command: `python -m training.benchmark --suite real --out FOLDER`."""
