"""The cost of decoding a JPEG, read from its markers before it is decoded."""

import re
from dataclasses import dataclass

_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)  # neither a stuffed byte nor a restart
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


@dataclass(frozen=True)
class JpegHeader:
    """The frame of a JPEG.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        samples: Number of values of all components together.
        lossless: Whether it is lossless; then it cannot be decoded at a fraction of its size.
        scans: Number of scans that are combined into one image; 1 for most JPEGs.
    """

    width: int
    height: int
    samples: int
    lossless: bool
    scans: int

    @property
    def coefficient_bytes(self) -> int:
        """Memory of the decoder in addition to the pixels: all coefficients if there are several scans."""
        return 2 * self.samples if self.scans > 1 else 0


def read_header(data: bytes) -> JpegHeader | None:
    """Read the header of a JPEG.

    Args:
        data: Content of the file.

    Returns:
        The header; None if it is missing or invalid.
    """
    frame, position = None, 2
    while marker := _MARKER.search(data, position):
        kind, body = data[marker.end() - 1], marker.end()
        length = int.from_bytes(data[body : body + 2], "big")
        if kind in _FRAMES:
            frame = kind, data[body : body + length]
        if kind == _START_OF_SCAN:
            return _header(*frame, data, body) if frame else None
        position = body + max(length, 2)
    return None


def _header(kind: int, frame: bytes, data: bytes, first_scan: int) -> JpegHeader | None:
    if len(frame) < 8 or len(frame) < 8 + 3 * frame[7]:
        return None
    height, width, count = int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[5:7], "big"), frame[7]
    factors = [divmod(frame[9 + 3 * number], 16) for number in range(count)]
    widest, tallest = (max((factor[axis] for factor in factors), default=1) or 1 for axis in (0, 1))
    samples_per_pixel = sum(across * down for across, down in factors) / (widest * tallest)
    in_first_scan = data[first_scan + 2] if first_scan + 2 < len(data) else count
    has_several = kind in _PROGRESSIVE or in_first_scan < count
    scans = max(2, _count_scans(data, first_scan)) if has_several else 1
    return JpegHeader(width, height, round(width * height * samples_per_pixel), kind in _LOSSLESS, scans)


def _count_scans(data: bytes, start: int) -> int:
    """Count the scans up to the end of the image, after which the file may contain other images."""
    scans = 1
    for marker in _MARKER.finditer(data, start):
        kind = data[marker.end() - 1]
        if kind == _END_OF_IMAGE:
            break
        scans += kind == _START_OF_SCAN
    return scans
