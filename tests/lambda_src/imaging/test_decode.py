import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from lambda_src.errors import ScanError, TooManyPixels, Truncated, UnsupportedFormat
from lambda_src.imaging import decode as decode_module
from lambda_src.imaging.decode import decode
from lambda_src.imaging.sniff import READ_FORMATS
from tests.support.pictures import band, encoded

GREY = band(0.25, shape=(60, 80), seed=3)
LOSSLESS = {"PNG": {}, "TIFF": {}, "BMP": {}, "WEBP": {"lossless": True}}


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_the_pixels_that_went_in(kind):
    data = encoded(GREY, kind, **LOSSLESS[kind])
    scan = decode(data)
    assert np.array_equal(scan.pixels, GREY)
    assert (scan.format, scan.width, scan.height, scan.frame) == (kind, 80, 60, 0)
    assert scan.sha256 == hashlib.sha256(data).hexdigest()


def test_jpeg_is_close():
    assert np.abs(decode(encoded(GREY, "JPEG", quality=95)).pixels.astype(int) - GREY).mean() < 3


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_a_grey_picture_stored_as_colour_keeps_its_values(mode):
    out = io.BytesIO()
    Image.fromarray(GREY).convert(mode).save(out, "PNG")
    assert np.array_equal(decode(out.getvalue()).pixels, GREY)


def test_what_is_transparent_is_black():
    rgba = np.dstack([GREY, GREY, GREY, np.zeros_like(GREY)])
    assert decode(encoded(rgba)).pixels.max() == 0


@pytest.mark.parametrize(("factor", "bits"), [(257, 16), (16, 12)])
def test_deeper_grey_is_scaled_from_its_bit_depth(factor, bits):
    bright = GREY.copy()
    bright[0, 0] = 255
    deep = bright.astype(np.uint16) * factor
    assert np.abs(decode(encoded(deep, "PNG")).pixels.astype(int) - bright).max() <= 1, bits
    assert np.abs(decode(encoded(deep, "TIFF")).pixels.astype(int) - bright).max() <= 1


@pytest.mark.parametrize(("offset", "scale"), [(0, 1), (0, 1 / 255), (-300, 2)])
def test_float_tiff_is_scaled_to_grey(offset, scale):
    full = GREY.copy()
    full[0, :2] = 0, 255
    values = full.astype(np.float32) * scale + offset
    assert np.abs(decode(encoded(values, "TIFF")).pixels.astype(int) - full).max() <= 1


def test_float_tiff_with_nan_decodes_and_says_how_much_is_finite():
    values = GREY.astype(np.float32)
    values[:30] = np.nan
    scan = decode(encoded(values, "TIFF"))
    assert scan.finite_fraction == 0.5
    assert scan.pixels[:30].max() == 0
    assert decode(encoded(np.full((4, 4), np.inf, np.float32), "TIFF")).finite_fraction == 0


def test_exif_orientation_turns_the_scan():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(encoded(GREY, "PNG", exif=exif)).pixels
    assert np.array_equal(turned, np.rot90(GREY, -1))


def test_cmyk_jpeg_decodes():
    out = io.BytesIO()
    Image.fromarray(GREY).convert("RGB").convert("CMYK").save(out, "JPEG", quality=95)
    assert np.abs(decode(out.getvalue()).pixels.astype(int) - GREY).mean() < 6


def test_the_first_frame_of_several_is_read():
    out = io.BytesIO()
    Image.fromarray(GREY).save(out, "TIFF", save_all=True, append_images=[Image.fromarray(GREY[::-1])])
    scan = decode(out.getvalue())
    assert np.array_equal(scan.pixels, GREY)
    assert scan.frame == 0


@pytest.mark.parametrize("kind", READ_FORMATS)
def test_the_pixel_limit_names_limit_and_value(kind):
    with pytest.raises(TooManyPixels) as caught:
        decode(encoded(GREY, kind), max_pixels=4799)
    assert (caught.value.limit, caught.value.value) == (4799, 4800)
    assert decode(encoded(GREY, kind), max_pixels=4800).width == 80


def test_a_header_of_60000_by_60000_is_refused_by_the_header():
    with pytest.raises(TooManyPixels, match="60000 x 60000"):
        decode(png_header(60_000, 60_000))


def test_a_huge_webp_canvas_is_refused_before_it_is_opened():
    head = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (16382).to_bytes(3, "little") * 2
    with pytest.raises(TooManyPixels):
        decode(b"RIFF" + struct.pack("<I", 4 + len(head)) + b"WEBP" + head)


@pytest.mark.parametrize("kind", READ_FORMATS)
def test_half_a_file_is_truncated(kind):
    data = encoded(band(0.3, shape=(300, 300)), kind)
    with pytest.raises(Truncated, match="cut short or damaged"):
        decode(data[: len(data) // 2])


def test_gif_is_refused():
    with pytest.raises(UnsupportedFormat, match="GIF"):
        decode(encoded(GREY, "GIF"))


@pytest.mark.parametrize("kind", READ_FORMATS)
@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1), noise=st.binary(min_size=1, max_size=12))
@pytest.mark.filterwarnings("ignore")  # Pillow warns of odd EXIF and TIFF tags in what was damaged on purpose
def test_damage_anywhere_gives_a_scan_or_a_scan_error(kind, place, noise):
    data = bytearray(encoded(GREY, kind))
    at = int(place * (len(data) - 1))
    data[at : at + len(noise)] = noise
    try:
        assert decode(bytes(data), max_pixels=10_000).pixels.dtype == np.uint8
    except ScanError as error:
        assert error.detail


def test_eight_bits_spread_over_sixteen_are_told_however_dark_they_are():
    dark = GREY // 6
    assert np.array_equal(decode(encoded(dark.astype(np.uint16) * 257)).pixels, dark)


def test_integers_beyond_sixteen_bits_are_scaled_from_their_own_maximum():
    full = GREY.copy()
    full[0, :2] = 0, 255
    assert np.array_equal(decode(encoded(full.astype(np.int32) * 257 * 100, "TIFF")).pixels, full)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_turns_it(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(GREY, "PNG", exif=exif)
    assert np.array_equal(decode(data).pixels, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "F", "I;16"])
def test_blocks_of_rows_leave_no_seam(mode, monkeypatch):
    image = (
        Image.fromarray(GREY.astype(np.uint16) * 200)
        if mode == "I;16"
        else Image.fromarray(GREY).convert("RGB" if mode != "F" else "F")
    )
    out = io.BytesIO()
    (image.convert(mode) if mode not in ("F", "I;16") else image).save(out, "TIFF")
    whole = decode(out.getvalue()).pixels
    monkeypatch.setattr(decode_module, "_BLOCK_PIXELS", 7 * GREY.shape[1])
    assert np.array_equal(decode(out.getvalue()).pixels, whole)
