"""StageContract finds what it is there to find: each stage here breaks one rule."""

from __future__ import annotations

import dataclasses
import inspect
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import ContractError
from pipeline.product import Completeness, Key, Product, Sink, Source
from pipeline.stage import stage
from pipeline.testing.contract import StageContract


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field(Product):
    """Numbers with a mask."""

    KEY: ClassVar[tuple[str, ...]] = ("frame",)
    frame: str
    samples: NDArray[np.uint8]
    mask: NDArray[np.bool_]

    @classmethod
    def stem(cls, key: Key) -> str:
        return f"fields/{key['frame']}"

    def save(self, sink: Sink) -> None:
        sink.path(".bin").write_bytes(self.samples.tobytes() + self.mask.tobytes())

    @classmethod
    def load(cls, source: Source) -> Field:
        data = np.frombuffer(source.read(".bin"), np.uint8)
        half = data.size // 2
        return cls(frame=source.key["frame"], samples=data[:half], mask=data[half:].astype(bool))

    def completeness(self) -> Completeness:
        return Completeness(received=int((~self.mask).sum()), expected=self.mask.size, unit="samples")


class Doubled(Field):
    """What the stages here make."""

    @classmethod
    def stem(cls, key: Key) -> str:
        return f"doubled/{key['frame']}"


def doubled(field: Field, **values: Any) -> Doubled:
    samples = np.where(field.mask, 0, field.samples * 2).astype(np.uint8)
    return Doubled(**({"frame": field.frame, "samples": samples, "mask": field.mask} | values))


@stage(version=1)
def good(field: Field, *, factor: int = 2) -> Doubled:
    """Double it.

    factor  is two
    """
    del factor
    return doubled(field)


@stage(version=1)
def mute(field: Field, *, factor: int = 2) -> Doubled:
    """Say nothing of the setting."""
    del factor
    return doubled(field)


@stage(version=1)
def twofold(field: Field) -> Field:
    """Break the key law: it makes what it reads."""
    return field


@stage(version=1)
def changing(field: Field) -> Doubled:
    """Change what it is given."""
    field.samples[0] = 1
    return doubled(field)


SEEN: list[int] = []


@stage(version=1)
def remembering(field: Field) -> Doubled:
    """Keep something in a global."""
    SEEN.append(1)
    return doubled(field, samples=np.full(9, len(SEEN), np.uint8))


@stage(version=1)
def clocked(field: Field) -> Doubled:
    """Look at the clock."""
    return doubled(field, samples=np.full(9, time.gmtime(time.time()).tm_year % 256, np.uint8))


@stage(version=1)
def hashing(field: Field) -> Doubled:
    """Depend on the order of a set."""
    return doubled(field, samples=np.array([hash("order") & 255] * 9, np.uint8))


@stage(version=1)
def writing(field: Field) -> Doubled:
    """Write a file of its own."""
    path = Path(tempfile.gettempdir(), "skycrane-contract")
    path.write_bytes(b"x")
    path.unlink()
    return doubled(field)


@stage(version=1)
def calling(field: Field) -> Doubled:
    """Open a socket."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
    return doubled(field)


@stage(version=1)
def inventing(field: Field) -> Doubled:
    """Drop the mask."""
    return doubled(field, samples=np.zeros(9, np.uint8), mask=np.zeros(9, bool))


@stage(version=1)
def leaking(field: Field) -> Doubled:
    """Show what lies under the mask."""
    return doubled(field, samples=field.samples)


class Contract(StageContract):
    """An example for all of them, under the name of this file."""

    FUNCTION: ClassVar[str] = ""

    @property
    def STAGE(self) -> str:  # noqa: N802 - the name is the contract's
        return f"{__name__}:{self.FUNCTION}"

    def arguments(self) -> dict[str, Any]:
        return {"field": Field(frame="1", samples=np.arange(9, dtype=np.uint8), mask=np.zeros(9, bool))}


def contract_of(function: Any) -> type[Contract]:
    return type(function.__name__.title(), (Contract,), {"FUNCTION": function.__name__, "__module__": __name__})


Good, Mute, Twofold, Changing, Remembering = map(contract_of, (good, mute, twofold, changing, remembering))
Clocked, Hashing, Writing, Calling, Inventing, Leaking = map(contract_of, (clocked, hashing, writing, calling, inventing, leaking))


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    # What pytest imported by path is found by name while a contract looks for it.
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or inspect.getmodule(good))


def test_a_good_stage_passes(tmp_path):
    one = Good()
    one.test_its_signature_is_its_contract()
    for number, test in enumerate(
        [
            one.test_it_is_pure,
            one.test_another_process_gives_the_same_and_touches_nothing,
            one.test_what_it_makes_is_loaded_as_it_was_saved,
            one.test_losses_stay_losses,
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        test(folder)


def test_a_setting_without_help_is_found():
    with pytest.raises(AssertionError, match="no line that begins with factor"):
        Mute().test_its_signature_is_its_contract()


def test_a_broken_key_law_is_found():
    with pytest.raises(ContractError, match="which it makes itself"):
        Twofold().test_its_signature_is_its_contract()


def test_a_change_of_an_input_is_found(tmp_path):
    with pytest.raises(AssertionError, match="read-only"):
        Changing().test_it_is_pure(tmp_path)


def test_memory_is_found(tmp_path):
    with pytest.raises(AssertionError, match="when called again"):
        Remembering().test_it_is_pure(tmp_path)


@pytest.mark.parametrize(
    "contract,message",
    [
        (Clocked, "something else in another process"),
        (Hashing, "something else in another process"),
        (Writing, "writes .*skycrane-contract"),
        (Calling, "socket.bind"),
    ],
)
def test_what_only_another_process_shows_is_found(tmp_path, contract, message):
    with pytest.raises(AssertionError, match=message):
        contract().test_another_process_gives_the_same_and_touches_nothing(tmp_path)


def test_invented_data_are_found(tmp_path):
    with pytest.raises(AssertionError, match="look like data"):
        Inventing().test_losses_stay_losses(tmp_path)


def test_data_under_the_mask_are_found(tmp_path):
    with pytest.raises(AssertionError, match="masked as lost"):
        Leaking().test_losses_stay_losses(tmp_path)


def test_a_heavy_import_is_found(tmp_path, monkeypatch):
    (tmp_path / "heavy_room.py").write_text("import dask\n")
    monkeypatch.syspath_prepend(tmp_path)
    heavy = type("Heavy", (Contract,), {"STAGE": "heavy_room:stage"})
    with pytest.raises(AssertionError, match="loads dask"):
        heavy().test_its_module_is_cheap_to_import()
