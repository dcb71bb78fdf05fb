def test_every_bucket_is_closed_versioned_and_ends_what_it_keeps(production):
    buckets = production.of_type("Storage", "AWS::S3::Bucket")
    assert len(buckets) == 4
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["LifecycleConfiguration"]["Rules"][0]["NoncurrentVersionExpiration"]["NoncurrentDays"] > 0


def test_buckets_with_patient_data_are_under_the_key_and_log_their_access(production):
    buckets = production.of_type("Storage", "AWS::S3::Bucket")
    for name, bucket in buckets.items():
        rule = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
        logs = name.startswith("BucketsAccessLogs")
        assert rule["SSEAlgorithm"] == ("AES256" if logs else "aws:kms")
        assert ("LoggingConfiguration" in bucket) is not logs


def test_every_bucket_refuses_what_is_not_tls(production):
    policies = production.of_type("Storage", "AWS::S3::BucketPolicy").values()
    assert len(policies) == 4
    for policy in policies:
        denials = [item for item in policy["PolicyDocument"]["Statement"] if item["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [item["Condition"] for item in denials]


def test_the_key_rotates(production):
    assert production.one("Storage", "AWS::KMS::Key")["EnableKeyRotation"] is True


def test_the_table_can_be_restored_to_any_second(production):
    table = production.one("Storage", "AWS::DynamoDB::Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert table["SSESpecification"]["SSEType"] == "KMS"
