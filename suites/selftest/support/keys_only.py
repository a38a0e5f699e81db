"""A contract that compares keys alone: for tests whose tables have no more columns."""

from dataclasses import replace

from fixtures.contracts.contract import Contract, load
from fixtures.contracts.exports import ExportKind
from fixtures.index_parity.mapping import IndexMapping, mapping_of


def contract() -> Contract:
    """The guide's, without its fields, the columns of its files, and all of an index but the key."""
    guide = load("guide")
    assert guide.exports is not None
    kinds = {
        name: replace(kind, columns=tuple(column for column in kind.columns if column.name == kind.key))
        for name, kind in guide.exports.kinds.items()
    }
    index = {name: {"uuid": f"{record.table}.uuid"} for name, record in guide.records.items()}
    return replace(guide, fields={}, index=index, exports=replace(guide.exports, kinds=kinds))


def mapping(record: str) -> IndexMapping:
    return mapping_of(contract(), record)


def kind(name: str) -> ExportKind:
    exports = contract().exports
    assert exports is not None
    return exports.kinds[name]
