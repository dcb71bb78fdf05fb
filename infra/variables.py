"""The functions' environment: the names of `lambda_src/settings.py`, and what the service calls itself in logs and metrics."""

from infra.config import METRICS_NAMESPACE
from infra.stacks.storage import StorageStack

API_SERVICE = "oct-api"
BATCH_SERVICE = "oct-batch"


def variables(service: str, storage: StorageStack) -> dict[str, str]:
    """Everything but the model, which a deploy names."""
    return {
        "OCT_INPUT_BUCKET": storage.buckets.scans.bucket_name,
        "OCT_RESULTS_BUCKET": storage.buckets.results.bucket_name,
        "OCT_TABLE": storage.table.table_name,
        "OCT_QUEUE_URL": storage.intake.queue.queue_url,
        "POWERTOOLS_SERVICE_NAME": service,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
    }
