"""The results tables, each made by one command: `python -m training.benchmark --suite phantom|real --out FOLDER`."""
