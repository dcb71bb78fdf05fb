"""What a hospital would do with the deployed system, by its public doors only."""

import base64
import json
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3

from lambda_src.model.manifest import Manifest, sealed
from tests.rehearsal.rehearse_cloud import REGION, Cloud
from tests.rehearsal.rehearse_machine import run

T = TypeVar("T")
PATIENCE_S = 60


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    body: dict[str, Any]


@dataclass(frozen=True)
class System:
    """The deployed system, by its stacks' outputs."""

    cloud: Cloud
    outputs: dict[str, str]

    @property
    def api_url(self) -> str:
        """The stage's address on the emulator: API Gateway's own host name is no name here."""
        api_id = urllib.parse.urlsplit(self.outputs["Url"]).netloc.split(".")[0]
        return f"{self.cloud.endpoint}/restapis/{api_id}/live/_user_request_"

    @property
    def secret(self) -> str:
        """The systems client's."""
        names = {"UserPoolId": self.outputs["UserPool"], "ClientId": self.outputs["SystemsClient"]}
        return str(self.cloud.client("cognito-idp").describe_user_pool_client(**names)["UserPoolClient"]["ClientSecret"])

    def smoke(self) -> str:
        """CI's own smoke test, at the emulator's addresses; raises when it fails."""
        path = self.cloud.folder / "outputs.json"
        addresses = {"Url": f"{self.api_url}/", "TokenUrl": f"{self.cloud.endpoint}/oauth2/token"}
        path.write_text(json.dumps({"all": self.outputs | addresses}))
        return run([sys.executable, "-m", "tests.smoke", path], env=self.cloud.env | {"SMOKE_CLIENT_SECRET": self.secret})

    def token(self, scope: str) -> str:
        """An access token for a system, by client credentials."""
        basic = base64.b64encode(f"{self.outputs['SystemsClient']}:{self.secret}".encode()).decode()
        body = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": scope}).encode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        answer = self._send(urllib.request.Request(f"{self.cloud.endpoint}/oauth2/token", data=body, headers=headers))
        if answer.status != 200:
            raise RuntimeError(f"No token: {answer}")
        return str(answer.body["access_token"])

    def post(self, scan: bytes, token: str | None) -> Answer:
        """`POST /v1/findings`."""
        headers = {"Content-Type": "image/png", "Accept": "application/json"} | _bearer(token)
        return self._send(urllib.request.Request(f"{self.api_url}/v1/findings", data=scan, headers=headers))

    def get(self, path: str, token: str | None = None) -> Answer:
        """Any GET."""
        return self._send(urllib.request.Request(f"{self.api_url}{path}", headers=_bearer(token)))

    def drop(self, key: str, data: bytes) -> None:
        """A scan dropped in the bucket."""
        self.cloud.client("s3").put_object(Bucket=self.outputs["ScansBucketName"], Key=key, Body=data)

    def beside(self, key: str) -> dict[str, Any]:
        """What the system left for a scan, once it is there."""
        s3, bucket = self.cloud.client("s3"), self.outputs["ResultsBucketName"]

        def look() -> dict[str, Any] | None:
            found = s3.list_objects_v2(Bucket=bucket, Prefix=f"findings/{key}.json").get("Contents", [])
            return json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read()) if found else None

        return eventually(look, f"a result for {key}")

    def dead_letters(self) -> int:
        """Messages that were set aside."""
        names = ["ApproximateNumberOfMessages"]
        queue = self.outputs["DeadLettersName"]
        return int(self.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"][names[0]])

    def poison(self) -> None:
        """A message that can't be worked through, with the queue's patience shortened: else five deliveries take an hour."""
        sqs, queue = self.cloud.client("sqs"), self.outputs["QueueName"]
        patience = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
        try:
            sqs.send_message(QueueUrl=queue, MessageBody='{"this": "is no event of S3"}')
            eventually(lambda: self.dead_letters() or None, "a message in the dead-letter queue")
        finally:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes=patience)

    def _send(self, request: urllib.request.Request) -> Answer:
        context = ssl.create_default_context(cafile=str(self.cloud.folder / "ca.pem"))
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S, context=context) as response:
                return _answer(response.status, response)
        except urllib.error.HTTPError as error:
            return _answer(error.code, error)


def eventually(look: Callable[[], T | None], what: str, limit_s: float = PATIENCE_S) -> T:
    """What `look` finds, when it finds it."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise RuntimeError(f"There was no {what} after {limit_s:.0f} s.")


def another_version(bundle: Path, folder: Path) -> Path:
    """The same model under another version: what a promotion changes, without a training."""
    shutil.copytree(bundle, folder)
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    promoted = sealed(manifest.model_copy(update={"version": f"{manifest.version}-rehearsed"}))
    (folder / "manifest.json").write_text(promoted.model_dump_json())
    return folder


def empty_buckets(cloud: Cloud) -> None:
    """Delete every version of every object of the system: on AWS a function of CDK's does that, which the emulator can't run."""
    resource = boto3.session.Session("test", "test", region_name=REGION).resource(
        "s3", endpoint_url=cloud.endpoint, verify=str(cloud.folder / "ca.pem")
    )
    for bucket in resource.buckets.all():
        if not bucket.name.startswith("cdk-"):
            bucket.object_versions.delete()


def leftovers(cloud: Cloud) -> list[str]:
    """What a destroyed system has left behind, the bootstrap's own stack and bucket aside."""
    stacks = cloud.client("cloudformation").list_stacks()["StackSummaries"]
    live = [
        item["StackName"] for item in stacks if item["StackStatus"] != "DELETE_COMPLETE" and item["StackName"] != "CDKToolkit"
    ]
    buckets = [item["Name"] for item in cloud.client("s3").list_buckets()["Buckets"] if not item["Name"].startswith("cdk-")]
    functions = [item["FunctionName"] for item in cloud.client("lambda").list_functions()["Functions"]]
    queues = cloud.client("sqs").list_queues().get("QueueUrls", [])
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    pools = [pool["Name"] for pool in cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]]
    apis = [api["name"] for api in cloud.client("apigateway").get_rest_apis()["items"]]
    return [*live, *buckets, *functions, *queues, *tables, *pools, *apis]


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _answer(status: int, response: Any) -> Answer:
    content_type = response.headers.get("Content-Type", "")
    text = response.read()
    body = json.loads(text) if "json" in content_type else {"text": text.decode(errors="replace")[:500]}
    return Answer(status, content_type, body)
