"""Channels in S3, against moto's real server."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx2
import pytest
from moto.server import ThreadedMotoServer
from mypy_boto3_s3 import S3Client

from training import channels
from training.channels import fetched
from training.errors import TrainingError

BUCKET = "oct-training"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A bare server: moto's state is one for the whole process, and the tests' cloud may stand in it already."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    httpx2.post(f"{url}/moto-api/reset").raise_for_status()
    for name, value in {"ENDPOINT_URL": url, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for key in ("data/CNV/CNV-1-1.png", "data/DME/DME-2-1.png", "data/DME/", "data-of-others/CNV/CNV-3-1.png"):
        client.put_object(Bucket=BUCKET, Key=key, Body=f"bytes of {key}".encode() if not key.endswith("/") else b"")
    yield client
    client.close()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("end", ["", "/"])
def test_what_lies_below_the_prefix_is_fetched_and_not_its_neighbours(s3: S3Client, tmp_path: Path, end: str) -> None:
    folder = fetched(f"s3://{BUCKET}/data{end}", tmp_path)
    names = ("CNV/CNV-1-1.png", "DME/DME-2-1.png")
    assert files(folder) == {name: f"bytes of data/{name}".encode() for name in names}


def test_a_whole_bucket_is_fetched(s3: S3Client, tmp_path: Path) -> None:
    assert len(files(fetched(f"s3://{BUCKET}", tmp_path))) == 3


def test_one_object_is_a_file_of_its_name(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="runs/finetune.pt", Body=b"weights")
    path = fetched(f"s3://{BUCKET}/runs/finetune.pt", tmp_path)
    assert (path.name, path.read_bytes()) == ("finetune.pt", b"weights")


def test_only_what_is_new_is_fetched_and_what_is_gone_goes(s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fetched(f"s3://{BUCKET}/data", tmp_path)
    fetch, asked = channels._fetch, list[str]()

    def noted(client: S3Client, bucket: str, item: channels._Remote, home: Path) -> channels._Remote:
        asked.append(item.name)
        return fetch(client, bucket, item, home)

    monkeypatch.setattr(channels, "_fetch", noted)
    fetched(f"s3://{BUCKET}/data", tmp_path)
    assert asked == []
    s3.put_object(Bucket=BUCKET, Key="data/CNV/CNV-1-1.png", Body=b"other")
    s3.put_object(Bucket=BUCKET, Key="data/NORMAL/NORMAL-4-1.png", Body=b"new")
    s3.delete_object(Bucket=BUCKET, Key="data/DME/DME-2-1.png")
    fetched(f"s3://{BUCKET}/data", tmp_path)
    assert sorted(asked) == ["CNV/CNV-1-1.png", "NORMAL/NORMAL-4-1.png"]
    assert files(folder) == {"CNV/CNV-1-1.png": b"other", "NORMAL/NORMAL-4-1.png": b"new"}
    assert not (folder / "DME").exists()


def test_a_file_that_was_cut_short_is_fetched_again(s3: S3Client, tmp_path: Path) -> None:
    folder = fetched(f"s3://{BUCKET}/data", tmp_path)
    before = files(folder)
    (folder / "CNV" / "CNV-1-1.png").write_bytes(b"by")
    journal = folder.parent / "fetched.tsv"
    journal.write_text(journal.read_text() + '"torn')
    assert files(fetched(f"s3://{BUCKET}/data", tmp_path)) == before


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("s3://no-such-bucket-of-ours/data", "there is no such bucket"),
        (f"s3://{BUCKET}/dat", "holds nothing"),
        (f"s3://{BUCKET}/data/DME/DME-2-1.pn", "holds nothing"),
    ],
)
def test_nothing_there_is_said(s3: S3Client, tmp_path: Path, where: str, said: str) -> None:
    with pytest.raises(TrainingError, match=f"{where}.*{said}"):
        fetched(where, tmp_path)


def test_a_name_that_leaves_the_folder_is_refused(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="data/../../secret", Body=b"x")
    with pytest.raises(TrainingError, match=r"data/\.\./\.\./secret can't be a file"):
        fetched(f"s3://{BUCKET}/data", tmp_path)


@pytest.fixture
def enforced(url: str, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moto's IAM holds from here on, and the user of this process may do nothing."""
    iam = boto3.client("iam")
    iam.create_user(UserName="trainee")
    key = iam.create_access_key(UserName="trainee")["AccessKey"]
    iam.close()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    httpx2.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()
    yield
    httpx2.post(f"{url}/moto-api/reset-auth", content=b"inf").raise_for_status()


@pytest.mark.usefixtures("enforced")
def test_no_right_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"data: no right to it; .* s3:ListBucket .* \(AccessDenied\)"):
        fetched(f"s3://{BUCKET}/data", tmp_path)


@pytest.mark.usefixtures("enforced")
def test_a_wrong_key_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")
    with pytest.raises(TrainingError, match="the credentials are not known"):
        fetched(f"s3://{BUCKET}/data", tmp_path)


def test_no_credentials_are_said(s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(TrainingError, match="Unable to locate credentials"):
        fetched(f"s3://{BUCKET}/data", tmp_path)


def test_an_object_that_changes_meanwhile_is_said(s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = channels._listed

    def then_changed(client: S3Client, bucket: str, prefix: str) -> list[channels._Remote]:
        found = listed(client, bucket, prefix)
        s3.put_object(Bucket=BUCKET, Key="data/CNV/CNV-1-1.png", Body=b"other")
        return found

    monkeypatch.setattr(channels, "_listed", then_changed)
    with pytest.raises(TrainingError, match="changed while it was fetched"):
        fetched(f"s3://{BUCKET}/data", tmp_path)
    assert b"other" not in files(tmp_path).values()


def test_a_folder_that_can_not_be_made_is_said(s3: S3Client, tmp_path: Path) -> None:
    (tmp_path / "s3").write_bytes(b"a file in its place")
    with pytest.raises(TrainingError, match=r"can't be kept in .*Not a directory"):
        fetched(f"s3://{BUCKET}/data", tmp_path)
