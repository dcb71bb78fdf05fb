import os

import pytest

from lambda_src.local.names import point_at


def test_no_real_account_is_left_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.setenv(name, "real")
    try:
        point_at("http://127.0.0.1:1")
        assert "real" not in os.environ.values()
        assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.environ["AWS_CONFIG_FILE"] == os.devnull
        assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    finally:
        os.environ.clear()
        os.environ.update(before)
