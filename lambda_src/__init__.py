"""Retinal OCT: what runs in Lambda, on a server and on a laptop."""
