"""Schemas as YAML or TOML files: read, joined through `include:`, written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from dpsynth.errors import SchemaError
from dpsynth.schema import Schema

MOST_BYTES = 5_000_000


def load_schema(path: str | Path) -> Schema:
    """The schema in a YAML or TOML file.

    `include: other.yaml` (or a list) takes over another file's facts, found from this file's
    folder; tables are put together, and anything else that both state is taken from this file.

    Raises:
        SchemaError: one line that names the file, the place, the value and the cure.
    """
    path = Path(path)
    try:
        return Schema(**_gather(path, ()))
    except SchemaError as error:
        message = str(error)
        raise SchemaError(
            message if message.startswith(f"{path.name}: ") else f"{path.name}: {message}"
        ) from None


def schema_text(schema: Schema) -> str:
    """The schema as YAML, defaults left out."""
    facts = schema.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump(
        {"version": schema.version, **facts},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def flow(value: Any) -> str:
    """One fact as YAML in one line."""
    return (
        yaml.dump(
            value,
            Dumper=_Dumper,
            default_flow_style=True,
            sort_keys=False,
            allow_unicode=True,
            width=10**9,
        )
        .removesuffix("\n")
        .removesuffix("\n...")
    )


def save_schema(schema: Schema, path: str | Path) -> Path:
    """Write the schema as YAML.

    Raises:
        SchemaError: if the path does not end in .yaml or .yml.
    """
    path = Path(path)
    if path.suffix not in (".yaml", ".yml"):
        raise SchemaError(f"a schema is saved as .yaml, got {path.name!r}")
    path.write_text(schema_text(schema), encoding="utf-8")
    return path


def _gather(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """The facts of a file and of those it includes."""
    here = path.resolve()
    if here in above:
        circle = " -> ".join(each.name for each in (*above, here))
        raise SchemaError(f"include: files include each other in a circle: {circle}")
    facts = _parse(path)
    wanted = facts.pop("include", None) or []
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise SchemaError(f"include: must be a file's name or a list of them, got {wanted!r}")
    whole: dict[str, Any] = {}
    for name in wanted:
        whole = _join(whole, _gather(path.parent / name, (*above, here)), name)
    return _join(whole, facts, path.name)


def _join(base: dict[str, Any], facts: dict[str, Any], name: str) -> dict[str, Any]:
    tables, more = base.get("tables") or {}, facts.get("tables") or {}
    if isinstance(tables, Mapping) and isinstance(more, Mapping):
        both = set(tables) & set(more)
        if both:
            raise SchemaError(f"tables.{sorted(both)[0]}: stands in {name} and in another file too")
        if tables:
            facts = {**facts, "tables": {**tables, **more}}
    return {**base, **facts}


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SchemaError(f"{path.name}: larger than {MOST_BYTES:,} bytes; not a schema")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SchemaError(f"{path.name}: there is no such schema file ({path})") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(
            f"{path.name}: can't be read as text ({error.__class__.__name__})"
        ) from None
    try:
        facts = tomllib.loads(text) if path.suffix == ".toml" else yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise SchemaError(f"{path.name}: line {line}: {error.problem}") from None
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise SchemaError(f"{path.name}: {str(error).splitlines()[0]}") from None
    if not isinstance(facts, dict):
        raise SchemaError(f"{path.name}: must hold `name:` and `tables:`, it holds neither")
    return facts


class _Loader(yaml.SafeLoader):
    """YAML 1.2: `No` and `Yes` are text, as in medical code lists; a key may stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = key.value
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {name!r} stands twice", key.start_mark
                )
            seen.add(name)
        found = super().construct_mapping(node, deep)
        return {k if isinstance(k, str) else _key(k): v for k, v in found.items()}


def _key(key: Hashable) -> Hashable:
    """A code used as a key (250: diabetes) is text."""
    return str(key) if isinstance(key, int | float) else key


class _Dumper(yaml.SafeDumper):
    """Short lists in one line."""


def _list(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.Node:
    flat = all(not isinstance(v, list | dict) for v in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=flat)


_Dumper.add_representer(list, _list)


def _core_resolvers() -> dict[str, list[tuple[str, Any]]]:
    """SafeLoader's implicit types, with YAML 1.2's booleans, floats, integers, no dates."""
    kept: dict[str, list[tuple[str, Any]]] = {}
    for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items():
        kept[letter] = [r for r in rules if r[0].rsplit(":", 1)[1] in ("null", "merge", "value")]
    rules = [
        ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
        ("int", re.compile(r"[-+]?(0|[1-9][0-9]*)"), "-+0123456789"),
        (
            "float",
            re.compile(
                r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*|(?=[eE])))(?:[eE][-+]?[0-9]+)?"
                r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
            ),
            "-+.0123456789",
        ),
    ]
    for tag, pattern, letters in rules:
        full = re.compile(f"(?:{pattern.pattern})$")
        for letter in letters:
            kept.setdefault(letter, []).append((f"tag:yaml.org,2002:{tag}", full))
    return kept


_Loader.yaml_implicit_resolvers = _core_resolvers()
_Dumper.yaml_implicit_resolvers = {  # text that either version of YAML would misread is quoted
    letter: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(letter, []),
        *_Loader.yaml_implicit_resolvers.get(letter, []),
    ]
    for letter in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}
