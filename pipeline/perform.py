"""Performs a batch of tasks: loads their inputs, calls the stage, saves what it returns into a staging folder.

This is what runs on a worker. It changes nothing but a staging folder of its own, a new one each time: so it may run twice, even at the
same time, or die half-way.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import socket
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.errors import ContractError, DataError, InterruptedRunError, StorageError, storage_errors
from pipeline.fresh import FRESH
from pipeline.limit import Overrun, in_time
from pipeline.product import Key, Product
from pipeline.receipt import FileRecord, Output, output_digest
from pipeline.stage import Group, Input, Listing, Role, StageSpec
from pipeline.staging import FileSink, Folder, Pack, forget, sync
from pipeline.store import digest_file
from pipeline.work import Batch, Follower, Listed, Loadable, Outcome, Work, loadable_at

__all__ = ["perform"]

TRANSIENT = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNABORTED, errno.EAGAIN, errno.EINTR})
"""Errors of the system that may be gone the next time; bad data never are."""

PAUSES = (0.2, 1.0, 4.0)
"""Seconds before each further attempt."""

FOLLOWED_SECONDS = 0.5
"""For how long what follows a task is begun right after it."""


Whose: TypeAlias = "tuple[int, tuple[str, str] | None]"
"""A step's: the place of the task in its batch; of one that follows it also stage and key."""


class _UnreadableInputError(OSError):
    """An input cannot be read: a matter of that item alone, whatever is wrong with its disk; errors on ours end the run."""


def perform(batch: Batch, turn: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()) -> list[Outcome]:  # noqa: B008  holds nothing
    """Perform each task of the batch, and after each what follows it; one that raises does not disturb the others.

    A task that takes too long is given up, and its outcome is the last, or the last that followed the last: those after it have not begun.

    turn  held while tasks run, but not while the disk is waited for
    """
    # A worker that only seems dead may still be at the same batch: what it writes must not be what another one took the digest of.
    path = Path(f"{batch.staging}.{uuid.uuid4().hex}")
    with storage_errors(path):
        path.mkdir(parents=True)
        folder = Folder(path)
        packs = _packs(batch, path)
        steps = _Steps(batch.spec, folder, packs)
        # A task that was given up may still write to a pack, behind all that counts.
        with turn:
            taken, overrun = in_time(steps.of(batch.work), batch.limit, close=functools.partial(_close, packs.values()))
        if overrun is None:
            steps.let_go()
        else:
            taken.append(_overdue(overrun))
        outcomes = list(_put_together(taken, steps.begun, len(batch.work)))
        all_of_them = [each for outcome in outcomes for each in (outcome, *outcome.followed.values())]
        staged = [path for outcome in all_of_them for path in outcome.staged.values()]
        sync([*staged, *(str(pack.path_of_all) for pack in packs.values() if pack.path_of_all.stat().st_size)])
        if not batch.read_later:
            forget(folder.at_hand)
    return [replace(outcome, place=str(path)) for outcome in outcomes]


def _packs(batch: Batch, folder: Path) -> dict[str, Pack]:
    """Begin a pack for each stage that makes packed products, by its name."""
    specs = {follower.spec.name: follower.spec for work in batch.work for follower in work.followers}
    names = {batch.spec.name: batch.name} | {name: f"{batch.name}.{name}" for name in specs}
    packed = [spec.name for spec in (batch.spec, *specs.values()) if any(kind.PACKED for kind in spec.outputs)]
    return {name: Pack(folder, names[name]) for name in packed}


def _close(packs: Iterable[Pack]) -> None:
    with contextlib.ExitStack() as stack:
        for pack in packs:
            stack.callback(pack.stream.close)


def _overdue(overrun: Overrun) -> Outcome:
    return Outcome(
        staged={},
        seconds=overrun.limit,
        host=socket.gethostname(),
        error="TimeLimitError",
        message=f"{overrun}. `--time-limit` gives more; `skycrane quarantine retry` tries it again",
        overrun=overrun,
    )


class _Steps:
    """The tasks of a batch and what follows each, one after another."""

    def __init__(self, spec: StageSpec, folder: Folder, packs: Mapping[str, Pack]) -> None:
        self._spec = spec
        self._folder = folder
        self._packs = packs
        self._made: Sequence[Loadable] = ()
        """What the last task made, to be loaded from where it is staged, if it is no longer in memory."""
        self._over: Sequence[Loadable] = ()
        """What need not be in memory for anybody but those that follow."""
        self.begun: list[Whose] = []
        """Whose steps have been given, in their order."""

    def of(self, all_work: Iterable[Work]) -> Iterator[Callable[[], Outcome]]:
        """Give a step for each task, and behind it one for each that follows from what it made."""
        for number, work in enumerate(all_work):
            self.begun.append((number, None))
            yield functools.partial(self._perform, work)
            until = time.monotonic() + FOLLOWED_SECONDS
            for follower in work.followers:
                for task in self._following(follower):
                    # Of a film there are thousands, and nobody has any of it before the last has ended: the rest get turns of their own.
                    if time.monotonic() > until:
                        break
                    self.begun.append((number, (follower.spec.name, task.key.text)))
                    pack = self._packs.get(follower.spec.name)
                    yield functools.partial(_perform_one, follower.spec, task, self._folder, pack)

    def let_go(self) -> None:
        """Have what only followed the last task no longer in memory."""
        for loadable in self._over:
            FRESH.let_go(loadable.kind, loadable.entry.key.text, loadable.entry.digest)
        self._over = ()

    def _perform(self, work: Work) -> Outcome:
        self.let_go()
        pack = self._packs.get(self._spec.name)
        outcome = _perform_one(self._spec, work, self._folder, pack)
        if work.followers:
            where = {**outcome.staged} | ({pack.final: str(pack.path_of_all)} if pack else {})
            kinds = {kind.__name__: kind for kind in self._spec.outputs}
            self._made = [loadable_at(kinds[output.kind], output, where) for output in outcome.outputs]
            self._over = () if work.read_by_others else self._made
        return outcome

    def _following(self, follower: Follower) -> Iterator[Work]:
        """Give the tasks of a stage that follow from what was just made."""
        (item,) = follower.spec.inputs
        for loadable in self._made:
            made = loadable.entry
            sections = follower.sections_at(made.key) if loadable.kind is item.kind else None
            if sections is None or made.digest == follower.known.get(made.key.text):
                continue
            key = follower.spec.key_of(made.key)
            yield Work(key=key, inputs=((item, (loadable,)),), sections=sections, settings=follower.settings, digest="")


def _put_together(taken: Sequence[Outcome], begun: Sequence[Whose], count: int) -> Iterator[Outcome]:
    """Put what followed a task into its outcome."""
    last = begun[-1][0] if begun else -1
    # One that was given up between two steps had not begun the next.
    whose = [*begun, (last + 1, None)] if len(begun) < len(taken) else begun
    own: dict[int, Outcome] = {}
    followed: dict[int, dict[tuple[str, str], Outcome]] = {}
    for (number, follower), outcome in zip(whose, taken, strict=False):
        if follower is None:
            own[number] = outcome
        else:
            followed.setdefault(number, {})[follower] = outcome
    for number in range(min(len(own), count)):
        yield replace(own[number], followed=followed[number]) if number in followed else own[number]


def _perform_one(spec: StageSpec, work: Work, folder: Folder, pack: Pack | None) -> Outcome:
    begin = time.perf_counter()
    start = pack.stream.tell() if pack else 0
    staged: dict[str, str] = {}
    try:
        with storage_errors(folder.path), _input_errors():
            outputs = _call_patiently(spec, work, folder, pack, staged)
    except (StorageError, InterruptedRunError):
        raise
    except Exception as error:  # noqa: BLE001  a stage may raise anything; the item is quarantined with it
        if pack is not None:
            pack.cut(start)
        return Outcome(
            staged={},
            seconds=time.perf_counter() - begin,
            host=socket.gethostname(),
            error=type(error).__name__,
            message=str(error) or type(error).__name__,
            traceback=traceback.format_exc(),
        )
    if pack is not None:
        pack.stream.flush()
    seconds = time.perf_counter() - begin
    return Outcome(outputs=tuple(outputs), staged=staged, seconds=seconds, host=socket.gethostname())


@contextlib.contextmanager
def _input_errors() -> Iterator[None]:
    try:
        yield
    except _UnreadableInputError as error:
        remedy = "Mend its disk or its rights, then `skycrane quarantine retry` tries it again"
        raise DataError(f"cannot be read: {error.strerror}", where=str(error.filename), remedy=remedy) from error


def _call_patiently(spec: StageSpec, work: Work, folder: Folder, pack: Pack | None, staged: dict[str, str]) -> list[Output]:
    """Try again, a little later each time, where a network or its file system may only have hiccupped; anything else is final at once."""
    start = pack.stream.tell() if pack else 0
    for pause in PAUSES:
        try:
            return _call(spec, work, folder, pack, staged)
        except OSError as error:
            if error.errno not in TRANSIENT:
                raise
        staged.clear()
        if pack is not None:
            pack.cut(start)
        time.sleep(pause)
    return _call(spec, work, folder, pack, staged)


def _call(spec: StageSpec, work: Work, folder: Folder, pack: Pack | None, staged: dict[str, str]) -> list[Output]:
    arguments: dict[str, Any] = {item.name: _argument(item, loadables) for item, loadables in work.inputs}
    result = spec.function(**arguments, **work.sections, **work.settings)
    products: Iterable[Product] = result if spec.fan_out or isinstance(result, tuple) else (result,)
    if isinstance(products, tuple) and len(products) != len(spec.outputs):
        raise ContractError(f"stage {spec.name} returned {len(products)} products instead of {len(spec.outputs)}")
    outputs: dict[tuple[str, str], Output] = {}
    for number, product in enumerate(products):
        _check(spec, work.key, product, number)
        which = (type(product).__name__, product.key.text)
        if which in outputs:
            raise ContractError(f"stage {spec.name} made {which[0]} {which[1]} twice at {work.key.text}")
        outputs[which] = _save(product, folder, pack, staged)
    return list(outputs.values())


def _argument(item: Input, loadables: Sequence[Loadable] | Listed) -> Any:
    if isinstance(loadables, Listed):
        return Listing(tuple(loadables.entries()))
    if item.role is Role.GROUP:
        return Group([loadable.entry for loadable in loadables], lambda index: _load(loadables[index]))
    return _load(loadables[0]) if loadables else None


def _load(loadable: Loadable) -> Product:
    try:
        return loadable.load()
    except OSError as error:
        if not loadable.outside:
            raise
        # What fails in the middle of a file does not say its name.
        path = error.filename or next((file.path for file in loadable.source.files.values()), None)
        raise _UnreadableInputError(error.errno, error.strerror or str(error), path) from error


def _check(spec: StageSpec, key: Key, product: Product, number: int) -> None:
    expected = spec.outputs if spec.fan_out else (spec.outputs[min(number, len(spec.outputs) - 1)],)
    if type(product) not in expected:
        belongs = " or ".join(kind.__name__ for kind in expected)
        raise ContractError(f"stage {spec.name} returned {type(product).__name__} where {belongs} belongs")
    if not product.key.contains(key):
        raise ContractError(f"stage {spec.name} at {key.text} returned a product with key {product.key.text}")


def _save(product: Product, folder: Folder, pack: Pack | None, staged: dict[str, str]) -> Output:
    kind = type(product)
    if kind.PACKED:
        assert pack is not None
        start = pack.begin()
        product.save(pack)
        records = [pack.record(start)]
    else:
        stem = kind.stem(product.key)
        sink = FileSink(folder, stem)
        product.save(sink)
        records = []
        for suffix, path in sorted(sink.files.items()):
            final = f"{stem}{suffix}"
            sha256 = sink.digests.get(suffix) or digest_file(path)
            records.append(FileRecord(suffix=suffix, path=final, size=path.stat().st_size, sha256=sha256))
            staged[final] = str(path)
    completeness, facts = product.completeness(), product.facts()
    digest = output_digest(records, completeness, facts)
    if FRESH.keep(product, digest):
        folder.at_hand += [staged[record.path] for record in records if record.whole]
    return Output(
        kind=kind.__name__,
        key=product.key.text,
        digest=digest,
        completeness=completeness,
        facts=facts,
        files=tuple(records),
    )
