import dataclasses

import pytest

from infra import config


def test_an_unknown_environment_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'staging'; choose one of: sandbox, production"):
        config.environment("staging")


def test_environments_can_not_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.SANDBOX.name = "other"  # type: ignore[misc]


def test_the_emulator_gets_the_same_environment_less_what_it_lacks():
    real, rehearsed = (
        config.environment("sandbox", repository="o/n"),
        config.environment("sandbox", repository="o/n", emulator=True),
    )
    changed = {field.name for field in dataclasses.fields(real) if getattr(real, field.name) != getattr(rehearsed, field.name)}
    assert changed == {"emulator", "repository", *config.EMULATOR_LACKS} - {"delivery"}


@pytest.mark.parametrize("env", config.ENVIRONMENTS.values(), ids=lambda env: env.name)
def test_batch_can_not_take_what_https_needs(env):
    reserved = env.batch_function.reserved_concurrency
    assert env.batch.max_concurrency >= 2  # Lambda's own least
    assert reserved is None or env.batch.max_concurrency <= reserved


def test_production_keeps_its_data_and_asks_before_it_publishes():
    assert config.PRODUCTION.keep_data
    assert config.PRODUCTION.approval
    assert not config.SANDBOX.keep_data
