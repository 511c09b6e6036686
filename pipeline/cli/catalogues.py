"""`skycrane stages` and `skycrane missions`: what is installed."""

from __future__ import annotations

import json

import click

from pipeline.cli.common import complete_mission, complete_stage, json_option
from pipeline.mission import available, load_profile
from pipeline.registry import discover
from pipeline.stage import Role, StageSpec

__all__ = ["missions", "stages"]


@click.command()
@click.argument("name", required=False, shell_complete=complete_stage)
@json_option
def stages(name: str | None, *, as_json: bool) -> None:
    """List the stages in order, or show one with its settings."""
    registry = discover()
    chosen = [registry.find(name)] if name else list(registry.stages.values())
    if as_json:
        click.echo(json.dumps([_stage_json(spec) for spec in chosen], indent=1))
        return
    for spec in chosen:
        reads = ", ".join(f"{item.kind.__name__}{'' if item.role is Role.ONE else f' ({item.role.value})'}" for item in spec.inputs)
        makes = ", ".join(kind.__name__ for kind in spec.outputs) + (" (many)" if spec.fan_out else "")
        click.echo(f"{spec.name:<24} {reads} -> {makes}")
        if name:
            when = ", when nothing else is due" if spec.settled else ""
            click.echo(f"\nversion {spec.version}; runs for each {'/'.join(spec.dimensions) or 'tree'}{when}\n")
            click.echo(spec.doc + "\n")
            for setting in spec.settings:
                choices = f" ({', '.join(map(str, setting.choices))})" if setting.choices else ""
                click.echo(f"  --set {spec.name}.{setting.name}={setting.default}{choices}  {setting.help}")


def _stage_json(spec: StageSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "version": spec.version,
        "settled": spec.settled,
        "key": list(spec.dimensions),
        "inputs": [{"name": item.name, "kind": item.kind.__name__, "role": item.role.value} for item in spec.inputs],
        "outputs": [kind.__name__ for kind in spec.outputs],
        "settings": [
            {"name": s.name, "default": s.default, "type": s.type.__name__, "choices": list(s.choices), "help": s.help}
            for s in spec.settings
        ],
    }


@click.command()
@click.argument("name", required=False, shell_complete=complete_mission)
@json_option
def missions(name: str | None, *, as_json: bool) -> None:
    """List the mission profiles, or show one."""
    if name is None:
        found = available()
        titles = {mission: load_profile(mission).tables["mission"].get("title", "") for mission in found}
        if as_json:
            click.echo(
                json.dumps([{"name": mission, "title": titles[mission], "file": str(found[mission])} for mission in found], indent=1)
            )
            return
        for mission, title in titles.items():
            click.echo(f"{mission:<16} {title}")
        return
    profile = load_profile(name)
    profile.check(discover())
    if as_json:
        click.echo(json.dumps(profile.tables, indent=1, default=str))
        return
    path = available().get(profile.name, profile.name)
    click.echo(f"# {path}")
    click.echo(open(path, encoding="utf-8").read(), nl=False)  # noqa: PTH123, SIM115  a path or a text
