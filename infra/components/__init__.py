"""Parts of the system; each takes what it needs by keyword and knows nothing of stacks."""
