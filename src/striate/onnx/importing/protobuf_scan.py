"""Count the parts of a protobuf message before it is parsed: two bytes of it can take two hundred in memory."""

from typing import Any

MAX_RECORDS = 1_000_000  # number of records: 150 MB after parsing; a network of a thousand operators has 50,000
MAX_PACKED_BYTES = 1 << 28  # bytes of packed numbers, which take up to eight times as much memory after parsing
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # protobuf's wire types
TEXT, MESSAGE, BINARY = 9, 11, 12  # protobuf's field types
NOT_GROWING = {TEXT, MESSAGE, BINARY, 1, 2, 6, 7, 15, 16}  # these and numbers of fixed size do not grow when parsed


class ProtobufError(Exception):
    """Bytes that are not a protobuf message, or one with too many parts."""


def check_size(content: bytes, descriptor: Any) -> None:
    """Check that a message can be parsed in reasonable memory.

    Args:
        content: The bytes of the message.
        descriptor: protobuf's descriptor of the message, which names its fields.

    Raises:
        ProtobufError: If the message has more parts than is reasonable, or is damaged.
    """
    records = packed = 0
    pending = [(descriptor, 0, len(content))]
    while pending:
        message, position, end = pending.pop()
        while position < end:
            tag, position = _read_varint(content, position, end)
            position, length = _skip_field(content, position, end, tag & 7)
            records += 1
            field = message.fields_by_number.get(tag >> 3) if tag & 7 == BYTES else None
            if field is not None and field.type == MESSAGE and length:
                pending.append((field.message_type, position - length, position))
            elif field is not None and field.type not in NOT_GROWING:
                packed += length
            if records > MAX_RECORDS or packed > MAX_PACKED_BYTES:
                raise ProtobufError("has more parts than any network")


def _skip_field(content: bytes, position: int, end: int, wire_type: int) -> tuple[int, int]:
    """Return the position after a field, and its length if it consists of bytes."""
    length = 0
    if wire_type == VARINT:
        _, position = _read_varint(content, position, end)
    elif wire_type == BYTES:
        length, position = _read_varint(content, position, end)
        position += length
    elif wire_type in (FIXED64, FIXED32):
        position += 8 if wire_type == FIXED64 else 4
    else:
        raise ProtobufError("is damaged or incomplete")
    if position > end:
        raise ProtobufError("is damaged or incomplete")
    return position, length


def _read_varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a number, stored as seven bits in each byte, the last below 128, and the position after it."""
    if position < end and content[position] < 128:  # nearly always
        return content[position], position + 1
    number = shift = 0
    while position < end and shift < 70:
        byte = content[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
        shift += 7
    raise ProtobufError("is damaged or incomplete")
