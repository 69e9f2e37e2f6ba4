"""The bytes of a protobuf message counted before it is parsed: two bytes can ask for two hundred of memory."""

from typing import Any

MOST_RECORDS = 1_000_000  # some 150 MB once parsed; a network of a thousand operators has 50,000
MOST_PACKED = 1 << 28  # bytes of numbers that take up to eight times as much once parsed
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TEXT, MESSAGE, BINARY = 9, 11, 12  # protobuf's types of a field
COMPACT = {TEXT, MESSAGE, BINARY, 1, 2, 6, 7, 15, 16}  # these, and numbers of fixed size, take no more once parsed


class WireError(Exception):
    """Bytes that are no message, or too many parts."""


def check_parts(content: bytes, descriptor: Any) -> None:
    """Raise WireError where a message of this kind has more parts than is reasonable, or cannot be one.

    descriptor: protobuf's own of the message, which says what its fields are.
    """
    records = packed = 0
    waiting = [(descriptor, 0, len(content))]
    while waiting:
        kind, place, end = waiting.pop()
        fields = kind.fields_by_number
        while place < end:
            tag, place = _varint(content, place, end)
            wire, field = tag & 7, fields.get(tag >> 3)
            place, length = _body(content, place, end, wire)
            records += 1
            if wire == BYTES and field is not None:
                if field.type == MESSAGE and length:
                    waiting.append((field.message_type, place - length, place))
                elif field.type not in COMPACT:
                    packed += length
            if records > MOST_RECORDS or packed > MOST_PACKED:
                raise WireError("has more parts than any network")


def _body(content: bytes, place: int, end: int, wire: int) -> tuple[int, int]:
    """Where a field ends, and how long it is if it is bytes."""
    length = 0
    if wire == VARINT:
        _, place = _varint(content, place, end)
    elif wire == BYTES:
        length, place = _varint(content, place, end)
        place += length
    elif wire in (FIXED64, FIXED32):
        place += 8 if wire == FIXED64 else 4
    else:
        raise WireError("is damaged or cut off")
    if place > end:
        raise WireError("is damaged or cut off")
    return place, length


def _varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    """Seven bits of a number in each byte, the last below 128."""
    if place < end and content[place] < 128:  # nearly always
        return content[place], place + 1
    number = shift = 0
    while place < end and shift < 70:
        byte = content[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7
    raise WireError("is damaged or cut off")
