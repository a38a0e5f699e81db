"""Records as bytes: whatever the size of the blocks, they are the file's own, each at its place."""

from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.comparison import csv_raw_records
from reports.comparison.csv_raw_records import RecordBlock, blocks, record_at

TEXT = st.text(alphabet='a",\n\r', max_size=60).map(str.encode)


def _reference(text: bytes) -> Iterator[bytes]:
    """Letter by letter: a line feed ends a record unless a quote is open."""
    record = b""
    for letter in text:
        if letter == ord("\n") and record.count(b'"') % 2 == 0:
            yield record
            record = b""
        else:
            record += bytes([letter])
    if record:
        yield record.removesuffix(b"\n")


def _blocks(text: bytes, size: int, returns: bool | None = False) -> list[RecordBlock]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_raw_records, "BLOCK", size)
        return list(blocks(BytesIO(text), returns=returns))


def _records(record_blocks: list[RecordBlock]) -> list[bytes]:
    return [record for block in record_blocks for record in block.records]


@given(text=TEXT, size=st.integers(1, 20))
@example(text=b'"\n"\n"\n"\na\n', size=20)
def test_records_end_where_no_quote_is_open(text: bytes, size: int) -> None:
    assert _records(_blocks(text, size)) == list(_reference(text))


@given(text=TEXT, size=st.integers(1, 20))
def test_nothing_of_a_file_is_lost(text: bytes, size: int) -> None:
    assert b"\n".join(_records(_blocks(text, size))) == text.removesuffix(b"\n")


@given(text=TEXT, size=st.integers(1, 20))
def test_each_stands_at_its_offset(text: bytes, size: int) -> None:
    for block in _blocks(text, size):
        for record, offset in zip(block.records, block.offsets, strict=True):
            assert text[offset:].startswith(record)
            assert offset == 0 or text[offset - 1 : offset] == b"\n"
            assert record_at(BytesIO(text), int(offset)).removesuffix(b"\n") == record


@given(text=TEXT, size=st.integers(1, 20))
def test_those_with_two_quotes_in_a_row_are_known(text: bytes, size: int) -> None:
    for block in _blocks(text, size):
        assert block.quoting.tolist() == [at for at, record in enumerate(block.records) if b'""' in record]


@given(text=TEXT, size=st.integers(1, 20))
def test_offsets_only_grow(text: bytes, size: int) -> None:
    offsets = [int(offset) for block in _blocks(text, size) for offset in block.offsets]

    assert all(before < after for before, after in pairwise(offsets))


@given(text=TEXT, size=st.integers(1, 20))
def test_no_block_is_empty(text: bytes, size: int) -> None:
    assert all(block.records for block in _blocks(text, size))


@pytest.mark.parametrize("returns", [True, None])
def test_a_return_is_the_line_ends_where_rows_end_so(returns: bool | None) -> None:
    assert _records(_blocks(b'a\r\n"b\r\nc"\r\nd\ne', 4, returns)) == [b"a", b'"b\r\nc"', b"d\n", b"e\n"]


def test_a_return_is_the_rows_own_elsewhere() -> None:
    assert _records(_blocks(b"a\nb\r\n", 4, None)) == [b"a", b"b\r"]


def test_a_quote_that_never_closes_costs_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_raw_records, "MAX_OPEN", 4)
    text = b'a\n"b\nc\nd\ne\nf\n'

    record_blocks = _blocks(text, 4)

    assert _records(record_blocks) == text.splitlines()
    assert [int(offset) for block in record_blocks for offset in block.offsets] == [0, 2, 5, 7, 9, 11]
    assert record_at(BytesIO(text), 2) == b'"b\n'


def test_a_quote_may_stay_open_for_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_raw_records, "MAX_OPEN", 4)

    assert _records(_blocks(b'"b\nc\nd\n"\ne\n', 7)) == [b'"b\nc\nd\n"', b"e"]


def test_a_record_is_read_again_as_long_as_a_quote_may_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_raw_records, "MAX_OPEN", 5)

    assert record_at(BytesIO(b'"b\nc\nd"\n'), 0) == b'"b\nc\nd"\n'
    assert record_at(BytesIO(b'"b\ncc\nd"\n'), 0) == b'"b\n'


@pytest.mark.parametrize("size", [4, 12])
def test_a_line_without_end_is_taken_in_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_raw_records, "MAX_LINE", 6)

    record_blocks = _blocks(b"a\nbcdefghijklm\nn\n", size)

    assert _records(record_blocks) == [b"a", b"bcdefghijk", b"lm", b"n"]
    assert [int(offset) for block in record_blocks for offset in block.offsets] == [0, 2, 12, 15]
