import pytest

from infra import config

COMMANDS = {"Inference": "api", "Batch": "batch", "Model": "publish"}


def function(assembly, stack):
    (found,) = (item for item in assembly.of_type(stack, "AWS::Lambda::Function").values() if item.get("PackageType") == "Image")
    return found


@pytest.mark.parametrize(("stack", "handler"), COMMANDS.items())
def test_one_image_with_several_commands(production, stack, handler):
    made = function(production, stack)
    assert made["ImageConfig"] == {"Command": [f"lambda_src.handlers.{handler}.handler"]}
    assert made["Code"] == function(production, "Inference")["Code"]
    assert made["Architectures"] == ["x86_64"]
    assert made["TracingConfig"] == {"Mode": "Active"}


def test_sizes_and_reservations_come_from_the_environment(sandbox, production):
    made = function(production, "Batch")
    assert made["MemorySize"] == config.PRODUCTION.batch_function.memory_mib
    assert made["ReservedConcurrentExecutions"] == config.PRODUCTION.batch_function.reserved_concurrency
    assert "ReservedConcurrentExecutions" not in function(sandbox, "Batch")


def test_settings_have_the_names_that_the_code_reads(production):
    from lambda_src.settings import Settings

    variables = function(production, "Batch")["Environment"]["Variables"]
    read = {f"OCT_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in variables if name.startswith("OCT_")} <= read


@pytest.mark.parametrize("stack", ["Inference", "Batch", "Model", "Backfill", "Training"])
def test_logs_are_encrypted_and_end(production, stack):
    for group in production.of_type(stack, "AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == config.PRODUCTION.log_retention_days
        assert "KmsKeyId" in group
