from pathlib import Path

import pytest

from lambda_src.cli.files import select


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.JPEG", "scan", "labels.csv", "README.md", ".DS_Store", "deep/c.tif", ".hidden/d.png", "deep/e.dcm"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def test_a_folder_gives_its_files_sorted_and_counts_what_it_leaves_out(folder: Path) -> None:
    chosen = select([folder])
    assert [path.relative_to(folder).as_posix() for path in chosen.files] == [
        "a.JPEG",
        "b.png",
        "deep/c.tif",
        "deep/e.dcm",
        "scan",
    ]
    assert chosen.skipped == 2


def test_a_named_file_is_taken_whatever_it_is_called(folder: Path) -> None:
    named = [folder / "labels.csv", folder / "none.png", folder / ".DS_Store"]
    assert select(named).files == tuple(named)


def test_a_link_back_to_its_folder_ends_nothing(folder: Path) -> None:
    (folder / "deep" / "up").symlink_to(folder)
    assert len(select([folder]).files) == 5
