"""Hypothesis strategies for the Structs, read off their types."""

from collections.abc import Callable
from datetime import UTC
from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect as mi

Values = st.SearchStrategy[Any]

_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00")
_INT64 = 2**63
_FEW = 3
_SMALL = 64


@cache
def of(kind: type) -> Values:
    """Any value of ``kind``."""
    return _of(mi.type_info(kind))


def _of(info: mi.Type) -> Values:
    return _BUILDERS[type(info)](info)


def _struct(info: mi.StructType) -> Values:
    required = {field.name: _of(field.type) for field in info.fields if field.required}
    optional = {field.name: _of(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: info.cls(**given))


def _list(info: mi.ListType) -> Values:
    low, high = info.min_length or 0, min(info.max_length or _FEW, _FEW)
    return st.lists(_of(info.item_type), min_size=low, max_size=high)


def _dict(info: mi.DictType) -> Values:
    return st.dictionaries(_of(info.key_type), _of(info.value_type), max_size=_FEW)


def _bytes(info: mi.BytesType) -> Values:
    return st.binary(min_size=info.min_length or 0, max_size=min(info.max_length or _SMALL, _SMALL))


def _int(info: mi.IntType) -> Values:
    low = -_INT64 if info.ge is None else info.ge
    return st.integers(low, _INT64 - 1 if info.le is None else info.le)


def _text(info: mi.StrType) -> Values:
    low, high = info.min_length or 0, info.max_length
    if info.pattern is None:
        return st.text(_CHARACTERS, min_size=low, max_size=high)
    pattern = info.pattern.replace(r"(?!\n)", "")
    found = st.from_regex(pattern, fullmatch=pattern.startswith("^"), alphabet=_CHARACTERS)
    return found.filter(lambda text: low <= len(text) <= (high or len(text)))


_BUILDERS: dict[type[mi.Type], Callable[[Any], Values]] = {
    mi.BoolType: lambda _: st.booleans(),
    mi.BytesType: _bytes,
    mi.DateTimeType: lambda _: st.datetimes(timezones=st.just(UTC)),
    mi.DateType: lambda _: st.dates(),
    mi.DictType: _dict,
    mi.EnumType: lambda info: st.sampled_from(list(info.cls)),
    mi.IntType: _int,
    mi.ListType: _list,
    mi.LiteralType: lambda info: st.sampled_from(info.values),
    mi.Metadata: lambda info: _of(info.type),
    mi.NoneType: lambda _: st.none(),
    mi.StrType: _text,
    mi.StructType: _struct,
    mi.UUIDType: lambda _: st.uuids(),
    mi.UnionType: lambda info: st.one_of([_of(one) for one in info.types]),
}
