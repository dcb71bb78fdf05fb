"""Findings in a DynamoDB table, by id and owner.

One table with the string keys `pk` and `sk` holds everything that the service keeps; what an item is, is told by the prefix
of its `pk`. A finding's JSON is one string attribute, so that what is read back is what was written, digit for digit.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from botocore.exceptions import ClientError

from lambda_src.aws import clients
from lambda_src.finding import Finding

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Kind = Literal["finding", "rejection"]
FINDING: Final = "finding"
ONLY: Final = "-"
"""The sort key of an item that is alone under its partition key."""


class FindingsTable:
    """The app's store of findings on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, finding: Finding, owner: str) -> None:
        """Keep a finding for its owner."""
        self.put_once(finding.id, owner, finding.wire_json(), kind=FINDING)

    def get(self, finding_id: str, owner: str) -> Finding | None:
        """The owner's finding, or None: unknown ids, other owners' findings and rejections look the same."""
        item = self._item(finding_id)
        if item is None or item["owner"]["S"] != owner or item["kind"]["S"] != FINDING:
            return None
        return Finding.model_validate_json(item["body"]["S"])

    def body(self, finding_id: str) -> str | None:
        """The JSON kept under an id, whoever owns it and whatever it is."""
        item = self._item(finding_id)
        return None if item is None else item["body"]["S"]

    def put_once(self, finding_id: str, owner: str, body: str, *, kind: Kind) -> str:
        """Keep a body under an id unless one is there, in one atomic write.

        Returns:
            The body that is kept: the given one, or the one that an earlier writer left.
        """
        item = {"pk": f"finding#{finding_id}", "sk": ONLY, "owner": owner, "kind": kind, "body": body}
        try:
            clients.dynamodb().put_item(
                TableName=self._table,
                Item={name: {"S": value} for name, value in item.items()},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if clients.error_code(error) != "ConditionalCheckFailedException":
                raise
            return self.body(finding_id) or body
        return body

    def _item(self, finding_id: str) -> "Mapping[str, AttributeValueTypeDef] | None":
        key = {"pk": {"S": f"finding#{finding_id}"}, "sk": {"S": ONLY}}
        return clients.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
