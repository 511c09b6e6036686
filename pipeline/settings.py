"""The settings of an output folder: `.skycrane/settings.toml`, the one source for a tree that exists.

```toml
mission = "mars2020"

[debayer]
method = "malvar"

[[only]]                 # for some items of a stage: later ones win
stage = "debayer"
items = "DDC/*"
method = "superpixel"
```
"""

from __future__ import annotations

import difflib
import fnmatch
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pipeline.errors import ProfileError, UsageError
from pipeline.product import Key
from pipeline.registry import Registry
from pipeline.stage import Setting, StageSpec

__all__ = ["Settings", "parse_assignment"]


@dataclass(kw_only=True)
class Settings:
    """What a user has chosen; what is not here has the default of the signature."""

    mission: str = "generic"
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    only: list[dict[str, Any]] = field(default_factory=list)
    """Each {stage, items, and settings}."""

    def effective(self, spec: StageSpec, key: Key) -> dict[str, Any]:
        """Give every setting of a stage for one task."""
        values = {setting.name: setting.default for setting in spec.settings} | self.stages.get(spec.name, {})
        for rule in self.only:
            if rule["stage"] == spec.name and fnmatch.fnmatchcase(key.text, rule["items"]):
                values |= {name: value for name, value in rule.items() if name not in {"stage", "items"}}
        return values

    def basis(self, stage: str) -> str:
        """Everything here that bears on a stage, as text that changes when it does."""
        return json.dumps([self.stages.get(stage, {}), [rule for rule in self.only if rule["stage"] == stage]], sort_keys=True)

    def assign(self, registry: Registry, assignments: Iterable[str], *, only: str = "") -> None:
        """Take in `stage.setting=value` texts; with `only`, for the items whose key matches the glob."""
        for text in assignments:
            spec, setting, value = parse_assignment(registry, text)
            if not only:
                self.stages.setdefault(spec.name, {})[setting.name] = value
                # What holds for all from now on must not be overruled by an older choice for some.
                self.only = [rule for rule in self.only if rule["stage"] != spec.name or not _drop(rule, setting.name)]
            else:
                self.only.append({"stage": spec.name, "items": only, setting.name: value})

    @classmethod
    def load(cls, path: Path, registry: Registry) -> Self:
        """Read and check the file; ProfileError names the key."""
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ProfileError(f"is not TOML: {error}", where=str(path)) from None
        settings = cls(mission=str(tables.pop("mission", "generic")), only=list(tables.pop("only", [])))
        for rule in settings.only:
            if not isinstance(rule, dict) or not {"stage", "items"} <= set(rule):
                raise ProfileError("needs stage and items", where=f"{path}: only")
            named = {name: value for name, value in rule.items() if name not in {"stage", "items"}}
            check_settings(registry, {rule["stage"]: named}, str(path))
        # A stage called contact_sheet.cells is the table [contact_sheet.cells], which TOML nests.
        settings.stages = _flatten(tables)
        check_settings(registry, settings.stages, str(path))
        return settings

    def dump(self) -> str:
        """Write it as TOML."""
        lines = [f"mission = {json.dumps(self.mission)}"]
        for stage, values in sorted(self.stages.items()):
            lines += ["", f'["{stage}"]', *(f"{name} = {json.dumps(value)}" for name, value in sorted(values.items()))]
        for rule in self.only:
            lines += ["", "[[only]]", *(f"{name} = {json.dumps(value)}" for name, value in rule.items())]
        return "\n".join(lines) + "\n"

    @classmethod
    def fresh(cls, registry: Registry, mission: str, profile: Mapping[str, Mapping[str, Any]]) -> Self:
        """Begin those of a new output folder: the profile's, then the environment's (SKYCRANE_SET="stage.setting=value;...")."""
        settings = cls(mission=mission, stages={stage: dict(values) for stage, values in _flatten(profile).items()})
        check_settings(registry, settings.stages, "settings of the profile")
        settings.assign(registry, [text for text in os.environ.get("SKYCRANE_SET", "").split(";") if text.strip()])
        return settings


def _drop(rule: dict[str, Any], name: str) -> bool:
    rule.pop(name, None)
    return set(rule) == {"stage", "items"}


def _flatten(tables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    flat: dict[str, dict[str, Any]] = {}
    for stage, table in tables.items():
        if not isinstance(table, Mapping):
            raise ProfileError("is not a stage's table", where=stage)
        for name, value in table.items():
            if isinstance(value, Mapping):
                flat.setdefault(f"{stage}.{name}", {}).update(value)
            else:
                flat.setdefault(stage, {})[name] = value
    return flat


def check_settings(registry: Registry, stages: Mapping[str, Mapping[str, Any]], where: str) -> None:
    """Raise ProfileError for a stage, setting or value that is none."""
    for stage, values in stages.items():
        if stage not in registry.stages:
            raise ProfileError(f"there is no stage {stage!r}", where=where, remedy=f"Stages are {', '.join(registry.stages)}")
        for name, value in values.items():
            setting = _find(registry.stages[stage], name, ProfileError)
            if type(value) is not setting.type or (setting.choices and value not in setting.choices):
                raise ProfileError(f"{value!r} will not do: {_wanted(setting)}", where=f"{where}: {stage}.{name}")


def parse_assignment(registry: Registry, text: str) -> tuple[StageSpec, Setting, Any]:
    """Read `stage.setting=value`; UsageError says what would do."""
    path, equals, value = text.strip().partition("=")
    stage, _, name = path.rpartition(".")
    if not equals or not stage:
        raise UsageError(f"{text!r} is not STAGE.SETTING=VALUE", remedy="For example debayer.method=superpixel")
    spec = registry.find(stage)
    setting = _find(spec, name, UsageError)
    try:
        parsed = _parse(setting, value)
    except ValueError:
        raise UsageError(f"{value!r} will not do for {stage}.{name}: {_wanted(setting)}") from None
    return spec, setting, parsed


def _find(spec: StageSpec, name: str, error: type[UsageError | ProfileError]) -> Setting:
    names = {setting.name: setting for setting in spec.settings}
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"It has {', '.join(names) or 'none'}"
        raise error(f"stage {spec.name} has no setting {name!r}", remedy=remedy)
    return names[name]


def _parse(setting: Setting, text: str) -> Any:
    if setting.type is bool:
        value: Any = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower())
        if value is None:
            raise ValueError(text)
        return value
    value = setting.type(text)
    if setting.choices and value not in setting.choices:
        raise ValueError(text)
    return value


def _wanted(setting: Setting) -> str:
    return f"one of {', '.join(map(str, setting.choices))}" if setting.choices else f"a {setting.type.__name__}"
