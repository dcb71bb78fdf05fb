"""The command line: `python -m lambda_src`."""
