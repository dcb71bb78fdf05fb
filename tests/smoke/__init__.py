"""After a deploy: one scan through the front door."""
