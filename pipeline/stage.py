"""Reads a function's signature into a StageSpec, and checks the key law.

A stage is a pure function; what it reads, what it writes, how it is split and which settings it has stand in its signature
(DESIGN 4). The key law: keys grow only by fan-out and shrink only by Group.
"""

from __future__ import annotations

import abc
import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar, overload

from pipeline.errors import ContractError
from pipeline.product import Entry, Key, Product

__all__ = ["Group", "Input", "Listing", "Previous", "Role", "Section", "Setting", "StageSpec", "read_stage", "stage"]

K = TypeVar("K", bound=Product)
F = TypeVar("F", bound=Callable[..., Any])


class _PreviousMark:
    """Marks a parameter in a signature as the product of the chunk before."""


Previous = Annotated[K | None, _PreviousMark]
"""This stage's own product for the chunk that ends exactly where this one starts, else None."""


class Group(Sequence[K], Generic[K]):
    """All products of a kind whose key contains the task's key, in key order; each is loaded when it is asked for."""

    def __init__(self, entries: Sequence[Entry], load: Callable[[int], K]) -> None:
        self.entries = tuple(entries)
        """What the catalog knows of each, without loading it."""
        self._load = load

    @classmethod
    def of(cls, items: Sequence[K]) -> Self:
        """Make a group of products in memory, in key order: for tests and for use without the engine."""
        ordered = sorted(items, key=lambda item: item.key.text)
        entries = [Entry(key=item.key, digest="", completeness=item.completeness(), facts=item.facts()) for item in ordered]
        return cls(entries, ordered.__getitem__)

    @overload
    def __getitem__(self, index: int) -> K: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[K]: ...
    def __getitem__(self, index: int | slice) -> K | Sequence[K]:
        if isinstance(index, slice):
            return [self._load(i) for i in range(*index.indices(len(self.entries)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._load(index % len(self))

    def __len__(self) -> int:
        return len(self.entries)


class Listing(Generic[K]):
    """A Group of which nothing is loaded: what the catalog knows of its products. Their files may have been pruned."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)

    def __len__(self) -> int:
        return len(self.entries)


class Section(abc.ABC):
    """A section of the mission profile, as a frozen dataclass."""

    NAME: ClassVar[str]
    """Name of the table in the profile: `[clock]`, or `[camera.DDC]` where KEY is not empty."""
    KEY: ClassVar[tuple[str, ...]] = ()
    """The one dimension that chooses among the tables: ("camera",); ("pass",) where the arrival chose one; empty for one table."""

    @classmethod
    @abc.abstractmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read and check one table; ProfileError names the key. Files that the table names are in it as bytes."""


class Role(enum.Enum):
    """How an input is found."""

    ONE = "one"
    GROUP = "group"
    PREVIOUS = "previous"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A product that a stage reads."""

    name: str
    role: Role
    kind: type[Product]
    loads: bool = True
    """False for a Listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A keyword-only parameter of a stage."""

    name: str
    default: Any
    type: Any
    choices: tuple[Any, ...] = ()
    """Of a Literal; empty if any value of the type will do."""
    least: float | None = None
    """Smallest number that will do."""
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """All that the engine knows of a stage."""

    name: str
    """The room's name for the function of that name, else `room.function`."""
    function: Callable[..., Any]
    version: int
    settled: bool
    inputs: tuple[Input, ...]
    sections: tuple[tuple[str, type[Section]], ...]
    """Parameter name and type."""
    settings: tuple[Setting, ...]
    outputs: tuple[type[Product], ...]
    fan_out: bool
    """The output comes as an iterator, of one kind or of any of several."""
    dimensions: tuple[str, ...]
    """Of the task's key."""
    doc: str

    @property
    def room(self) -> str:
        """Name of the folder that it lives in."""
        return self.name.partition(".")[0]

    @property
    def from_everything(self) -> bool:
        """Whether it is made from all that there is, once."""
        return self.settled and not self.dimensions

    @property
    def has_group(self) -> bool:
        """Whether it gathers."""
        return any(item.role is Role.GROUP for item in self.inputs)

    def key_of(self, values: Mapping[str, str]) -> Key:
        """Key of the task that a product with these values takes part in."""
        return Key((name, values[name]) for name in self.dimensions)


def stage(*, version: int, settled: bool = False) -> Callable[[F], F]:
    """Mark a function as a stage; it stays an ordinary function.

    version  counts changes of the result for equal inputs and settings
    settled  made from a whole set: due when nothing else is
    """

    def mark(function: F) -> F:
        function.__stage__ = (version, settled)  # type: ignore[attr-defined]
        return function

    return mark


def read_stage(function: Callable[..., Any], room: str) -> StageSpec:
    """Read the signature of a function marked with @stage.

    Raises ContractError, naming the function, when it cannot be read or breaks the key law.
    """
    where = f"{function.__module__}.{function.__qualname__}"
    version, settled = function.__stage__  # type: ignore[attr-defined]
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        remedy = "Import the kinds and sections that a signature names at the top of the module"
        raise ContractError(f"has an annotation that cannot be read: {error}", where=where, remedy=remedy) from None
    doc = inspect.getdoc(function) or ""
    inputs, sections, settings = [], [], []
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints.get(name)
        if hint is None:
            raise ContractError(f"parameter {name} has no annotation", where=where, remedy="The signature is the contract: say what it is")
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ContractError(f"parameter {name} is {parameter.kind.description}", where=where, remedy="The engine calls stages by name")
        if parameter.kind is parameter.KEYWORD_ONLY:
            settings.append(_read_setting(name, hint, parameter.default, doc, where))
        elif isinstance(hint, type) and issubclass(hint, Section):
            sections.append((name, hint))
        else:
            inputs.append(_read_input(name, hint, where))
    outputs, fan_out = _read_outputs(hints.get("return"), where)
    function_name = function.__name__
    spec = StageSpec(
        name=room if function_name == room else f"{room}.{function_name}",
        function=function,
        version=version,
        settled=settled,
        inputs=tuple(inputs),
        sections=tuple(sections),
        settings=tuple(settings),
        outputs=outputs,
        fan_out=fan_out,
        dimensions=_task_dimensions(inputs, outputs, where, fan_out=fan_out),
        doc=doc,
    )
    _check_key_law(spec, where)
    return spec


def _is_kind(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Product)


def _read_input(name: str, hint: Any, where: str) -> Input:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if _is_kind(hint):
        return Input(name=name, role=Role.ONE, kind=hint)
    if origin is Group and _is_kind(arguments[0]):
        return Input(name=name, role=Role.GROUP, kind=arguments[0])
    if origin is Listing and _is_kind(arguments[0]):
        return Input(name=name, role=Role.GROUP, kind=arguments[0], loads=False)
    if origin is Annotated and _PreviousMark in hint.__metadata__:
        return Input(name=name, role=Role.PREVIOUS, kind=typing.get_args(arguments[0])[0])
    others = [argument for argument in arguments if argument is not type(None)]
    if origin in {types.UnionType, typing.Union} and len(arguments) == 2 and len(others) == 1 and _is_kind(others[0]):
        return Input(name=name, role=Role.OPTIONAL, kind=others[0])
    raise ContractError(
        f"parameter {name}: {hint} is neither Kind, Group[Kind], Listing[Kind], Previous[Kind], Kind | None nor a Section",
        where=where,
        remedy="Settings are keyword-only: put them after a *",
    )


def _read_setting(name: str, hint: Any, default: Any, doc: str, where: str) -> Setting:
    if default is inspect.Parameter.empty:
        raise ContractError(f"setting {name} has no default", where=where, remedy="Every setting has one")
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    kind = type(choices[0]) if choices else hint
    if kind not in {str, int, float, bool} or any(type(choice) is not kind for choice in choices):
        raise ContractError(f"setting {name}: {hint} is not a setting's type", where=where, remedy="Use str, int, float, bool or a Literal")
    if type(default) is not kind or (choices and default not in choices):
        wanted = f"one of {', '.join(map(repr, choices))}" if choices else f"a {kind.__name__}"
        raise ContractError(f"setting {name}: its default {default!r} is not {wanted}", where=where)
    described = [line.split(None, 1)[1] for line in doc.splitlines() if line.startswith(f"{name} ") and len(line.split(None, 1)) > 1]
    return Setting(name=name, default=default, type=kind, choices=choices, help=described[0].strip() if described else "")


def _read_outputs(hint: Any, where: str) -> tuple[tuple[type[Product], ...], bool]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if _is_kind(hint):
        return (hint,), False
    if origin is tuple and arguments and all(_is_kind(kind) for kind in arguments):
        if len(set(arguments)) < len(arguments):
            raise ContractError(f"returns {hint}: a kind twice", where=where, remedy="Many products of a kind come as Iterator[Kind]")
        return arguments, False
    if origin is Iterator and _is_kind(arguments[0]):
        return (arguments[0],), True
    if origin is Iterator and isinstance(arguments[0], types.UnionType) and all(_is_kind(kind) for kind in typing.get_args(arguments[0])):
        return typing.get_args(arguments[0]), True
    raise ContractError(f"returns {hint}", where=where, remedy="Return Kind, tuple[A, B], Iterator[Kind] or Iterator[A | B]")


def _task_dimensions(inputs: Sequence[Input], outputs: tuple[type[Product], ...], where: str, *, fan_out: bool) -> tuple[str, ...]:
    """Name the dimensions of the key that the stage runs at."""
    if any(item.role is Role.GROUP for item in inputs):
        if fan_out:
            raise ContractError("gathers and fans out", where=where, remedy="Make two stages of it")
        return outputs[0].KEY
    required = [item.kind for item in inputs if item.role is Role.ONE]
    if not required:
        raise ContractError("has no required input", where=where, remedy="Something must say when it runs")
    return max((kind.KEY for kind in required), key=len)


def _check_key_law(spec: StageSpec, where: str) -> None:
    for item in spec.inputs:
        _check_input(spec, item, where)
    for kind in spec.outputs:
        _check_output(spec, kind, where)
    for _, section in spec.sections:
        if section.KEY and section.KEY[0] not in spec.dimensions:
            raise ContractError(
                f"reads {section.__name__} for a {section.KEY[0]}, which its key has not",
                where=where,
                remedy=f"A stage that runs at {'/'.join(spec.dimensions) or 'one key'} cannot know which [{section.NAME}.*] holds",
            )


def _check_input(spec: StageSpec, item: Input, where: str) -> None:
    at, dimensions = set(spec.dimensions), set(item.kind.KEY)
    if item.role is not Role.PREVIOUS and item.kind in spec.outputs:
        raise ContractError(
            f"reads {item.kind.__name__}, which it makes itself",
            where=where,
            remedy="A stage may read its own product of the chunk before, as Previous[...]; nothing else of its own",
        )
    if item.role is Role.GROUP and not at <= dimensions:
        raise ContractError(
            f"gathers {item.kind.__name__} by {sorted(at - dimensions)}, which its key has not",
            where=where,
            remedy="What a Group makes has part of the key of what it gathers",
        )
    if item.role in {Role.ONE, Role.OPTIONAL} and not dimensions <= at:
        raise ContractError(
            f"takes one {item.kind.__name__} at {spec.dimensions}, but its key also has {sorted(dimensions - at)}",
            where=where,
            remedy="Take Group[...] of it",
        )
    if item.role is Role.PREVIOUS and (item.kind not in spec.outputs or spec.dimensions != item.kind.KEY or "chunk" not in at):
        raise ContractError(
            f"takes the previous {item.kind.__name__}, which it does not make for each chunk",
            where=where,
            remedy="Previous[...] names a kind that the stage returns, with a chunk in its key",
        )


def _check_output(spec: StageSpec, kind: type[Product], where: str) -> None:
    at = set(spec.dimensions)
    grown = set(kind.KEY) - at
    if at - set(kind.KEY) or (grown and not spec.fan_out):
        raise ContractError(
            f"runs at {spec.dimensions} and returns {kind.__name__} with key {kind.KEY}",
            where=where,
            remedy="Keys grow only by fan-out and shrink only by Group",
        )
    if spec.fan_out and not grown:
        raise ContractError(
            f"fans out into {kind.__name__}, whose key is no larger than the task's",
            where=where,
            remedy="Without a further dimension there is one product: return it",
        )
