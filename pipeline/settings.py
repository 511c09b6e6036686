"""The settings of an output folder: `.skycrane/settings.toml`, the one source for a tree that exists.

```toml
mission = "mars2020"

[run]                    # of the engine itself: nothing that a product depends on
keep = "all"
time_limit = 600.0

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
import math
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

__all__ = ["RUN", "Settings", "parse_assignment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    """What has settings like a stage, and is none."""

    name: str
    settings: tuple[Setting, ...]


RUN = _Engine(
    name="run",
    settings=(
        Setting(
            name="keep",
            default="all",
            type=str,
            choices=("all", "final"),
            help='"final" prunes frames, packets and parts of files once what is made from them stands',
        ),
        Setting(name="time_limit", default=600.0, type=float, least=0.0, help="seconds that a task may take; 0 for no limit"),
    ),
)
"""The settings of the engine: no product depends on them."""


@dataclass(kw_only=True)
class Settings:
    """What a user has chosen; what is not here has the default of the signature."""

    mission: str = "generic"
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    only: list[dict[str, Any]] = field(default_factory=list)
    """Each {stage, items, and settings}."""

    @property
    def keep(self) -> str:
        """What becomes of intermediate products: "all" stays, or only what is "final"."""
        return str(self._run("keep"))

    @property
    def time_limit(self) -> float:
        """Seconds that a task may take; 0: any."""
        return float(self._run("time_limit"))

    def _run(self, name: str) -> Any:
        defaults = {setting.name: setting.default for setting in RUN.settings}
        return self.stages.get(RUN.name, {}).get(name, defaults[name])

    def effective(self, spec: StageSpec, key: Key) -> dict[str, Any]:
        """Give every setting of a stage for one task."""
        values = {setting.name: setting.default for setting in spec.settings} | self.stages.get(spec.name, {})
        for rule in self.only:
            if rule["stage"] == spec.name and fnmatch.fnmatchcase(key.text, rule["items"]):
                values |= _chosen(rule)
        return values

    def for_all(self, spec: StageSpec) -> dict[str, Any] | None:
        """Give every setting of a stage, if it is the same for all of its tasks."""
        chosen_for_some = any(rule["stage"] == spec.name for rule in self.only)
        return None if chosen_for_some else self.effective(spec, Key())

    def basis(self, stage: str) -> str:
        """Everything here that bears on a stage, as text that changes when it does."""
        return json.dumps([self.stages.get(stage, {}), [rule for rule in self.only if rule["stage"] == stage]], sort_keys=True)

    def assign(self, registry: Registry, assignments: Iterable[str], *, only: str = "") -> None:
        """Take in `stage.setting=value` texts; with `only`, for the items whose key matches the glob."""
        for text in assignments:
            spec, setting, value = parse_assignment(registry, text)
            # What the engine does, it does for all.
            if not only or spec is RUN:
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
        mission, rules = tables.pop("mission", "generic"), tables.pop("only", [])
        if not isinstance(mission, str):
            raise ProfileError("must be the name of a mission, or its file", where=f"{path}: mission")
        if not isinstance(rules, list):
            raise ProfileError("must be a list: [[only]]", where=f"{path}: only")
        for rule in rules:
            if not isinstance(rule, dict) or not all(isinstance(rule.get(name), str) for name in ("stage", "items")):
                raise ProfileError("needs stage and items, both texts", where=f"{path}: only")
            if rule["stage"] == RUN.name:
                raise ProfileError("holds for all items or for none", where=f"{path}: only.stage", remedy=f"Write it under [{RUN.name}]")
            rule.update(_widen(registry, rule["stage"], _chosen(rule)))
            check_settings(registry, {rule["stage"]: _chosen(rule)}, str(path))
        # A stage called contact_sheet.cells is the table [contact_sheet.cells], which TOML nests.
        settings = cls(mission=mission, only=rules, stages=_flatten(tables, registry))
        check_settings(registry, settings.stages, str(path))
        return settings

    def dump(self) -> str:
        """Write it as TOML."""
        lines = [f"mission = {_toml(self.mission)}"]
        for stage, values in sorted(self.stages.items()):
            lines += ["", f'["{stage}"]', *(f"{name} = {_toml(value)}" for name, value in sorted(values.items()))]
        for rule in self.only:
            lines += ["", "[[only]]", *(f"{name} = {_toml(value)}" for name, value in rule.items())]
        return "\n".join(lines) + "\n"

    @classmethod
    def fresh(cls, registry: Registry, mission: str, profile: Mapping[str, Mapping[str, Any]]) -> Self:
        """Begin those of a new output folder: the profile's, then the environment's (SKYCRANE_SET="stage.setting=value;...")."""
        settings = cls(mission=mission, stages=_flatten(profile, registry))
        check_settings(registry, settings.stages, "settings of the profile")
        settings.assign(registry, [text for text in os.environ.get("SKYCRANE_SET", "").split(";") if text.strip()])
        return settings


def _chosen(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name not in {"stage", "items"}}


def _toml(value: Any) -> str:
    # JSON's texts are TOML's, except that TOML has no surrogate pairs and wants DEL escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _drop(rule: dict[str, Any], name: str) -> bool:
    rule.pop(name, None)
    return set(rule) == {"stage", "items"}


def _flatten(tables: Mapping[str, Any], registry: Registry) -> dict[str, dict[str, Any]]:
    flat: dict[str, dict[str, Any]] = {}
    for stage, table in tables.items():
        if not isinstance(table, Mapping):
            raise ProfileError("is not a stage's table", where=stage)
        for name, value in table.items():
            if isinstance(value, Mapping):
                flat.setdefault(f"{stage}.{name}", {}).update(value)
            else:
                flat.setdefault(stage, {})[name] = value
    return {stage: _widen(registry, stage, values) for stage, values in flat.items()}


def _widen(registry: Registry, stage: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Make numbers of what TOML writes as 1 where a setting means 1.0."""
    spec = _spec(registry, stage)
    floats = {setting.name for setting in spec.settings if setting.type is float} if spec is not None else set()
    return {name: float(value) if name in floats and type(value) is int else value for name, value in values.items()}


def _spec(registry: Registry, stage: str) -> StageSpec | _Engine | None:
    return RUN if stage == RUN.name else registry.stages.get(stage)


def check_settings(registry: Registry, stages: Mapping[str, Mapping[str, Any]], where: str) -> None:
    """Raise ProfileError for a stage, setting or value that is none."""
    for stage, values in stages.items():
        spec = _find_stage(registry, stage, where)
        for name, value in values.items():
            setting = _find(spec, name, where)
            if not _will_do(setting, value):
                raise ProfileError(f"{value!r} will not do", where=f"{where}: {stage}.{name}", remedy=f"It takes {_wanted(setting)}")


def parse_assignment(registry: Registry, text: str) -> tuple[StageSpec | _Engine, Setting, Any]:
    """Read `stage.setting=value`; UsageError if it has another form, ProfileError for a stage, setting or value that is none."""
    path, equals, value = text.strip().partition("=")
    stage, _, name = path.rpartition(".")
    if not equals or not stage:
        raise UsageError(f"{text!r} is not STAGE.SETTING=VALUE", remedy="For example debayer.method=superpixel")
    spec = _find_stage(registry, stage, "--set")
    setting = _find(spec, name, "--set")
    try:
        parsed = _parse(setting, value)
    except ValueError:
        raise ProfileError(f"{value!r} will not do", where=f"--set {stage}.{name}", remedy=f"It takes {_wanted(setting)}") from None
    return spec, setting, parsed


def _find_stage(registry: Registry, stage: str, where: str) -> StageSpec | _Engine:
    spec = _spec(registry, stage)
    if spec is None:
        near = difflib.get_close_matches(stage, registry.stages, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Stages are {', '.join(registry.stages)}"
        raise ProfileError(f"there is no stage {stage!r}", where=where, remedy=remedy)
    return spec


def _find(spec: StageSpec | _Engine, name: str, where: str) -> Setting:
    names = {setting.name: setting for setting in spec.settings}
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"It has {', '.join(names) or 'none'}"
        raise ProfileError(f"stage {spec.name} has no setting {name!r}", where=where, remedy=remedy)
    return names[name]


def _will_do(setting: Setting, value: Any) -> bool:
    if type(value) is not setting.type or (setting.choices and value not in setting.choices):
        return False
    if setting.least is not None and not value >= setting.least:
        return False
    # What settings.toml could not keep, or keep apart, is no setting.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() == value
    return not isinstance(value, float) or math.isfinite(value)


def _parse(setting: Setting, text: str) -> Any:
    if setting.type is bool:
        value: Any = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower())
        if value is None:
            raise ValueError(text)
        return value
    value = setting.type(text)
    if not _will_do(setting, value):
        raise ValueError(text)
    return value


def _wanted(setting: Setting) -> str:
    if setting.choices:
        return f"one of {', '.join(map(str, setting.choices))}"
    return f"a {setting.type.__name__}" + (f", at least {setting.least:g}" if setting.least is not None else "")
