from infra import config
from lambda_src.jobs import SILENT_SECONDS


def queues(assembly):
    items = assembly.of_type("Storage", "AWS::SQS::Queue")
    (queue,) = (item for item in items.values() if "RedrivePolicy" in item)
    return queue


def test_a_message_is_hidden_for_six_timeouts_and_set_aside_after_some_deliveries(production):
    queue = queues(production)
    assert queue["VisibilityTimeout"] >= 6 * config.PRODUCTION.batch_function.timeout_s + config.PRODUCTION.batch.window_s
    assert queue["RedrivePolicy"]["maxReceiveCount"] == config.PRODUCTION.batch.receives


def test_a_job_is_not_taken_for_failed_while_its_message_is_hidden(production):
    assert 2 * queues(production)["VisibilityTimeout"] < SILENT_SECONDS


def test_both_queues_are_encrypted_keep_messages_a_fortnight_and_refuse_what_is_not_tls(production):
    made = production.of_type("Storage", "AWS::SQS::Queue").values()
    assert len(made) == 2
    for queue in made:
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 86_400
    policies = production.of_type("Storage", "AWS::SQS::QueuePolicy").values()
    denied = [
        item["Condition"] for policy in policies for item in policy["PolicyDocument"]["Statement"] if item["Effect"] == "Deny"
    ]
    assert denied == [{"Bool": {"aws:SecureTransport": "false"}}] * 2


def test_a_new_scan_becomes_a_message(production):
    scans = production.one("Storage", "AWS::S3::Bucket", "BucketsScans")
    (told,) = scans["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    bucket = next(item for name, item in production.template("Storage")["Resources"].items() if name.startswith("BucketsScans"))
    assert any(name.startswith("IntakeQueuePolicy") for name in bucket["DependsOn"])


def test_only_s3_of_this_account_may_send(production):
    policies = production.of_type("Storage", "AWS::SQS::QueuePolicy").values()
    allowed = [item for policy in policies for item in policy["PolicyDocument"]["Statement"] if item["Effect"] == "Allow"]
    (send,) = allowed
    assert send["Principal"] == {"Service": "s3.amazonaws.com"}
    assert send["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_queue_feeds_the_alias_by_parts_and_within_bounds(production):
    mapping = production.one("Batch", "AWS::Lambda::EventSourceMapping")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": config.PRODUCTION.batch.max_concurrency}
    assert "Alias" in str(mapping["FunctionName"])
