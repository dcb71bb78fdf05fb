"""Everything on one machine: the app and the batch entry point on an embedded AWS, with no account."""
