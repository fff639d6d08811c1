"""Kubernetes' APIs as tables, and what in a manifest is not as they have it.

A table has, by the name of a kind, its fields: a field's type, a list of a type in brackets, `!` where the API asks for
the field, a set where it accepts these values alone, a tuple where it accepts either of two types, and `*` for the type
of fields of any name.
"""

from __future__ import annotations

from typing import Any

Api = dict[str, dict[str, Any]]


def faults(value: Any, kind: Any, api: Api, path: str = "") -> list[str]:
    """Where a value is not of its kind: an unknown field would be dropped, or refused, by the cluster."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [fault for at, one in enumerate(value) for fault in faults(one, kind[0], api, f"{path}[{at}]")]
    if isinstance(kind, set):
        return [] if value in kind else [f"{path}: {value}"]
    if isinstance(kind, tuple):
        return min((faults(value, either, api, path) for either in kind), key=len)
    if isinstance(kind, type):
        return [] if type(value) is kind else [f"{path}: {value!r} is no {kind.__name__}"]
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no {kind}"]
    fields = {name.rstrip("!"): of for name, of in api[kind].items()}
    missing = [f"{path}.{name}: missing" for name in api[kind] if name.endswith("!") and name[:-1] not in value]
    unknown = [f"{path}.{name}: unknown" for name in value if name not in fields and "*" not in fields]
    known = {name: fields.get(name, fields.get("*")) for name in value if name in fields or "*" in fields}
    wrong = [fault for name, of in known.items() for fault in faults(value[name], of, api, f"{path}.{name}")]
    return missing + unknown + wrong
