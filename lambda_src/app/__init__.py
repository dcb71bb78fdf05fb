"""The HTTP door: a FastAPI application built by `factory.create_app`, the same in Lambda, on a server and on a laptop."""
