import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lambda_src.errors import EmptyBody, NotAnImage, ScanError, UnsupportedFormat
from lambda_src.imaging.sniff import READ_FORMATS, sniff, webp_size
from tests.support.pictures import band, encoded


@pytest.mark.parametrize("kind", READ_FORMATS)
def test_each_read_format_is_told_by_its_content(kind):
    assert sniff(encoded(band(0.2), kind)) == kind


@pytest.mark.parametrize(
    ("data", "error", "word"),
    [
        (b"", EmptyBody, "no bytes"),
        (b"hello, this is text", NotAnImage, "not an image"),
        (b"%PDF-1.7\n%\xe2\xe3", NotAnImage, "PDF"),
        (b"PK\x03\x04rest", NotAnImage, "ZIP"),
        (b"GIF89a\x01\x00\x01\x00", UnsupportedFormat, "GIF"),
        (bytes(128) + b"DICM\x02\x00", UnsupportedFormat, "DICOM"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", UnsupportedFormat, "HEIF"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", UnsupportedFormat, "SVG"),
    ],
)
def test_what_is_not_read_is_named_with_what_is_allowed(data, error, word):
    with pytest.raises(error, match=word) as caught:
        sniff(data)
    assert "Send a JPEG, PNG, TIFF, BMP or WebP image." in caught.value.detail


@given(st.binary(max_size=300))
def test_any_bytes_give_a_format_or_a_scan_error(data):
    try:
        assert sniff(data) in READ_FORMATS
    except ScanError as error:
        assert error.detail


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 60}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
def test_webp_size_is_read_from_every_kind_of_header(options):
    assert webp_size(encoded(band(0.2, shape=(50, 70)), "WEBP", **options)) == (70, 50)


def test_webp_size_of_a_cut_header_is_unknown():
    out = io.BytesIO()
    Image.new("L", (4, 4)).save(out, "WEBP")
    assert webp_size(out.getvalue()[:22]) is None
