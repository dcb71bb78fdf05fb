"""What outlives every deploy: the key, the buckets, the table, the queue of new scans, the topic of alarms."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.alerts import alerts_topic
from infra.components.buckets import Buckets
from infra.components.encryption import DataKey
from infra.components.image_scan import scan_images
from infra.components.intake import Intake
from infra.components.synthesizer import stack_props
from infra.components.table import findings_table
from infra.config import Environment


class StorageStack(cdk.Stack):
    """Data at rest."""

    def __init__(self, scope: Construct, id: str, *, env: Environment) -> None:
        super().__init__(scope, id, **stack_props(env))
        self.key = DataKey(self, "DataKey", env=env).key
        self.buckets = Buckets(self, "Buckets", env=env, key=self.key)
        self.table = findings_table(self, "Findings", env=env, key=self.key)
        self.intake = Intake(self, "Intake", env=env, bucket=self.buckets.scans)
        if env.image_scan:
            scan_images(self, "ImageScan")
        self.alerts = alerts_topic(self, "Alerts", env=env, key=self.key)
        for name, value in {
            "ScansBucket": self.buckets.scans.bucket_name,
            "ResultsBucket": self.buckets.results.bucket_name,
            "ModelsBucket": self.buckets.models.bucket_name,
            "Table": self.table.table_name,
            "Queue": self.intake.queue.queue_url,
            "DeadLetters": self.intake.dead_letters.queue_url,
        }.items():
            cdk.CfnOutput(self, f"{name}Name", value=value)
