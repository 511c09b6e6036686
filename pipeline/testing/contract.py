"""StageContract: what every stage must keep to, as tests that a stage's author inherits.

```python
class TestDebayer(StageContract):
    STAGE = "stages.debayer:debayer"

    def arguments(self):
        return {"mosaics": [mosaic()], "camera": Camera(name="DDC")}
```

The stage is called the way the engine calls it, in this process and in another one that has another hash seed, another clock and time
zone, an empty folder to stand in, and a watch on every file, socket and process that it opens. Lists stand for groups; a setting may be
given too.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pipeline.fresh import FRESH
from pipeline.product import FileRef, Key, Product, Source
from pipeline.receipt import Output
from pipeline.stage import StageSpec, read_stage
from pipeline.testing.calling import call, fingerprint, freeze
from pipeline.testing.saving import FolderSink
from pipeline.work import Outcome

__all__ = ["HEAVY", "StageContract"]

HEAVY = ("numba", "scipy", "dask", "distributed", "matplotlib")
"""What listing the stages must not load (DESIGN 4)."""


class StageContract:
    """Inherit from it in a test module, at its top level; pytest finds the tests by the name of the subclass."""

    STAGE: ClassVar[str]
    """module:function"""
    ROOM: ClassVar[str] = ""
    """Name of the entry point; by default the module's last part."""
    NO_LOSSES: ClassVar[str] = ""
    """Why no product of this stage tells of losses; else one must, and `with_losses` must give some, or an input have a mask."""

    def arguments(self) -> Mapping[str, Any]:
        """Give a small example of all that the stage reads, equal at each call: products, lists of them, None, sections, settings."""
        raise NotImplementedError(f"{type(self).__name__}.arguments")

    def with_losses(self) -> Mapping[str, Any] | None:
        """Give the example with something lost; by default a third of every mask."""
        arguments = dict(self.arguments())
        harmed = {name: _with_mask(value, fill=None) for name, value in arguments.items()}
        return harmed if any(harmed[name] is not value for name, value in arguments.items()) else None

    # --- what holds of every stage ------------------------------------------------------------------------------------------------

    def test_its_module_is_cheap_to_import(self) -> None:
        """Listing the stages loads nothing heavy."""
        module = self.STAGE.partition(":")[0]
        loaded = sorted(set(HEAVY) & _loaded_by(module))
        assert not loaded, f"importing {module} loads {', '.join(loaded)}: import it inside the function"

    def test_its_signature_is_its_contract(self) -> None:
        """It can be read, keeps the key law, and says what it is and what each setting does."""
        spec = self.spec()
        assert spec.doc, f"{spec.name} has no docstring"
        mute = [setting.name for setting in spec.settings if not setting.help]
        assert not mute, f"the docstring of {spec.name} has no line that begins with {', '.join(mute)}"
        expected = {item.name for item in spec.inputs} | {name for name, _ in spec.sections}
        given = set(self.arguments())
        assert expected <= given <= expected | {setting.name for setting in spec.settings}, f"arguments() gives {sorted(given)}"

    def test_it_is_pure(self, tmp_path: Path) -> None:
        """It changes nothing that it is given, and gives the same when it is called again."""
        arguments = freeze(self.arguments())
        before = fingerprint(arguments)
        first = _listing(self.run(arguments, tmp_path / "first"))
        assert fingerprint(arguments) == before, f"{self.STAGE} changes what it is given"
        assert _listing(self.run(arguments, tmp_path / "second")) == first, f"{self.STAGE} gives something else when called again"
        assert first, f"{self.STAGE} makes nothing of the example"

    def test_another_process_gives_the_same_and_touches_nothing(self, tmp_path: Path) -> None:
        """Neither hash seed, clock, time zone nor folder show; it opens no file, socket or process."""
        here = _listing(self.run(self.arguments(), tmp_path / "here"))
        there = self._elsewhere(tmp_path)
        assert not there["error"], there["error"]
        assert not there["touched"], f"{self.STAGE} touches {', '.join(there['touched'])}"
        assert [tuple(row) for row in there["outputs"]] == here, f"{self.STAGE} gives something else in another process"

    def test_what_it_makes_is_loaded_as_it_was_saved(self, tmp_path: Path) -> None:
        """Saving what was loaded writes the same bytes, and says the same of itself."""
        outcome = self.run(self.arguments(), tmp_path / "made")
        for number, output in enumerate(outcome.outputs):
            product = self._load(output, outcome)
            assert product.key == Key.parse(type(product).KEY, output.key)
            assert product.completeness() == output.completeness, f"{output.kind} {output.key} is loaded with another completeness"
            assert product.facts() == dict(output.facts), f"{output.kind} {output.key} is loaded with other facts"
            fresh = FRESH.find(type(product), output.key, output.digest)
            assert fresh is None or _alike(fresh, product), f"{output.kind} {output.key} is loaded otherwise than `as_saved` says"
            again = _saved(product, tmp_path / f"again{number}")
            assert again == {record.suffix: record.sha256 for record in output.files}, f"{output.kind} {output.key} saves other bytes"

    def test_losses_stay_losses(self, tmp_path: Path) -> None:
        """Lost in, lost out; and what lies under a mask does not show in any product."""
        harmed = self.with_losses()
        if harmed is None and self.NO_LOSSES:
            import pytest

            pytest.skip(f"{self.STAGE}: {self.NO_LOSSES}")
        assert harmed is not None, f"no input of {self.STAGE} has a mask: give an example in with_losses(), or the reason in NO_LOSSES"
        outcome = self.run(harmed, tmp_path / "harmed")
        tells = any(output.completeness.partial for output in outcome.outputs)
        assert tells or self.NO_LOSSES, f"{self.STAGE} makes losses look like data"
        listings = []
        for fill in (0, 255):
            filled = {name: _with_mask(value, fill=fill) for name, value in harmed.items()}
            listings.append(_listing(self.run(filled, tmp_path / f"filled{fill}")))
        assert listings[0] == listings[1], f"{self.STAGE} uses samples that are masked as lost"

    # --- how it is run ------------------------------------------------------------------------------------------------------------

    def spec(self) -> StageSpec:
        """Read the stage's signature; ContractError if it cannot be read or breaks the key law."""
        module, _, name = self.STAGE.partition(":")
        return read_stage(getattr(importlib.import_module(module), name), self.ROOM or module.rpartition(".")[2])

    def run(self, arguments: Mapping[str, Any], folder: Path) -> Outcome:
        """Run the stage as the engine does, into a folder; AssertionError with its traceback if it raises."""
        outcome = call(self.spec(), arguments, folder)
        assert not outcome.failed, outcome.traceback
        return outcome

    def _elsewhere(self, tmp_path: Path) -> Any:
        stand = tmp_path / "empty"
        stand.mkdir(mode=0o555)
        work = tmp_path / "there"
        work.mkdir()
        environment = {
            **os.environ,
            "PYTHONHASHSEED": "4711",
            "TZ": "Pacific/Apia",
            "MPLCONFIGDIR": str(work),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        command = [sys.executable, "-m", "pipeline.testing.elsewhere", inspect.getfile(type(self)), type(self).__qualname__, str(work)]
        done = subprocess.run(command, cwd=stand, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  ours
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _load(self, output: Output, outcome: Outcome) -> Product:
        kind = next(kind for kind in self.spec().outputs if kind.__name__ == output.kind)
        files = {
            record.suffix: FileRef(
                path=outcome.staged[record.path] if record.whole else str(Path(outcome.place, Path(record.path).name)),
                offset=record.offset,
                length=record.size,
            )
            for record in output.files
        }
        return kind.load(Source(key=Key.parse(kind.KEY, output.key), files=files, facts=dict(output.facts)))


@functools.cache
def _loaded_by(module: str) -> set[str]:
    """Name all that importing a module loads, in a fresh interpreter."""
    script = "import sys; sys.path[:] = sys.argv[2:]; __import__(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script, module, *sys.path], capture_output=True, text=True, check=False)  # noqa: S603  ours
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def _listing(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(output.kind, output.key, output.digest) for output in outcome.outputs]


def _alike(one: Any, other: Any) -> bool:
    """Say whether no stage could tell two values apart; of functions, what they give."""
    if callable(one) and callable(other):
        one, other = list(one()), list(other())
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.flags.c_contiguous == other.flags.c_contiguous and np.array_equal(one, other)
    if isinstance(one, Product):
        return all(_alike(getattr(one, name), getattr(other, name)) for name in getattr(one, "__dataclass_fields__", ()))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(_alike(one[name], other[name]) for name in one)
    return bool(one == other)


def _saved(product: Product, folder: Path) -> dict[str, str]:
    """Save a product; return the digest of each file by suffix."""
    sink = FolderSink(folder)
    product.save(sink)
    return {suffix: hashlib.sha256(path.read_bytes()).hexdigest() for suffix, path in sink.files.items()}


def _with_mask(value: Any, *, fill: int | None) -> Any:
    """Return products with a third of their mask lost (fill None), or with other samples under their mask; anything else as it is."""
    if isinstance(value, list):
        changed = [_with_mask(item, fill=fill) for item in value]
        return changed if any(new is not old for new, old in zip(changed, value, strict=True)) else value
    mask = getattr(value, "mask", None) if isinstance(value, Product) else None
    if not isinstance(mask, np.ndarray):
        return value
    if fill is None:
        lost = mask.copy()
        lost[len(mask) // 3 : max(len(mask) * 2 // 3, 1)] = True
        return dataclasses.replace(value, mask=lost)
    fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value) if item.name != "mask"}
    alike = {name: field for name, field in fields.items() if isinstance(field, np.ndarray) and field.shape[: mask.ndim] == mask.shape}
    arrays = {name: field.copy() for name, field in alike.items()}
    for array in arrays.values():
        array[mask] = fill
    return dataclasses.replace(value, **arrays)
