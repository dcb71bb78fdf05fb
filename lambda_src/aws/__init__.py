"""Adapters to AWS: the only package that knows boto3."""
