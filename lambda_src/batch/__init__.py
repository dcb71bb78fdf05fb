"""Scans that come in bulk, by a bucket: events in, one finding or one rejection beside each scan."""
