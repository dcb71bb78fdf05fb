"""Why messages failed, kept beside the queue: the dead-letter queue holds what failed, but no reason."""

import time
from contextlib import suppress
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.aws import clients
from lambda_src.aws.findings import ONLY

KEPT_S: Final = 15 * 24 * 3600
"""A day longer than a dead-letter queue keeps a message."""


class FailuresTable:
    """Reasons in the table, by message id."""

    def __init__(self, table: str) -> None:
        self._table = table

    def note(self, message_id: str, reason: str) -> None:
        """Keep why a message failed last, if the table lets us: it may be what failed."""
        item = {"pk": f"failure#{message_id}", "sk": ONLY, "reason": reason}
        expires = {"expires": {"N": str(int(time.time()) + KEPT_S)}}
        with suppress(ClientError, BotoCoreError):
            clients.dynamodb().put_item(
                TableName=self._table, Item={name: {"S": value} for name, value in item.items()} | expires
            )

    def reason(self, message_id: str) -> str | None:
        """Why a message failed last, or None where nobody could say: the function was stopped or killed."""
        key = {"pk": {"S": f"failure#{message_id}"}, "sk": {"S": ONLY}}
        item = clients.dynamodb().get_item(TableName=self._table, Key=key).get("Item")
        return None if item is None else item["reason"]["S"]
