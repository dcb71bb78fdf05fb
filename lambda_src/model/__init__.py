"""The model bundle: manifest schema, loading and refusal."""
