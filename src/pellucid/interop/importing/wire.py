"""The size and shape of a protobuf file, found out before anything is built of it.

Two bytes of a hostile file can become a message that takes hundreds in memory, and messages nested in
messages can exhaust the stack.  So the records of all messages are counted first, by walking over their
lengths alone.
"""

from __future__ import annotations

from typing import Any

__all__ = ["MOST_RECORDS", "check_records"]

# Of the largest models in use: a tenth of it.
MOST_RECORDS = 2**18
# ONNX's messages for graphs without subgraphs nest half as deep.
DEEPEST = 16


def check_records(content: Any, kind: Any) -> None:
    """Walks over all records of a message.

    Args:
        content: the bytes, or a view or memory map of them.
        kind: the message's descriptor.

    Raises:
        ValueError: the bytes are not such a message, or hold more than anybody's model.
    """
    left = MOST_RECORDS
    pending = [(kind, 0, len(content), 1)]
    while pending:
        kind, at, end, depth = pending.pop()
        if depth > DEEPEST:
            raise ValueError(f"its messages are nested more than {DEEPEST} deep")
        while at < end:
            left -= 1
            if left < 0:
                raise ValueError(f"it has more than {MOST_RECORDS:,} records")
            start = at
            key, at = _varint(content, at, end)
            size, at = _size(content, key, at, end)
            if size > end - at or key < 8:
                raise ValueError(f"it is damaged or cut off: the record at byte {start:,} does not fit")
            field = kind.fields_by_number.get(key >> 3)
            if field is not None and field.message_type is not None and key & 7 == 2:
                pending.append((field.message_type, at, at + size, depth + 1))
            at += size


def _size(content: Any, key: int, at: int, end: int) -> tuple[int, int]:
    """How many bytes a record's value takes, and where it begins."""
    match key & 7:
        case 0:
            return 0, _varint(content, at, end)[1]
        case 1:
            return 8, at
        case 2:
            return _varint(content, at, end)
        case 5:
            return 4, at
    raise ValueError(f"it is damaged or no ONNX file: byte {at - 1:,} begins no record")


def _varint(content: Any, at: int, end: int) -> tuple[int, int]:
    """An integer of up to ten bytes of seven bits, and where the next thing begins."""
    value = 0
    for position in range(at, min(at + 10, end)):
        byte = content[position]
        value |= (byte & 127) << 7 * (position - at)
        if byte < 128:
            return value, position + 1
    raise ValueError(f"it is damaged or no ONNX file: there is no number at byte {at:,}")
