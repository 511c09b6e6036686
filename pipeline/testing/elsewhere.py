"""The other process of a StageContract: `python -m pipeline.testing.elsewhere FILE CLASS FOLDER` prints what the stage made and touched.

The clock is ten years ahead. What is opened while the stage runs is noted, besides installed code, caches of compiled code and the folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.testing.calling import call

__all__ = ["main"]

AHEAD = 10 * 365 * 86400
NETWORK = ("socket.connect", "socket.bind", "socket.getaddrinfo")
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
CHANGES = ("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.utime", "os.chmod", "os.link", "os.symlink")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """Notes what is opened while it is on."""

    def __init__(self, folder: Path) -> None:
        self.on = False
        self.touched: list[str] = []
        self._folder = str(folder.resolve())
        code = (sys.prefix, sys.base_prefix, *(path for path in sys.path if path))
        self._readable = (self._folder, "/proc", "/sys", "/dev", "/etc", "/usr", "/lib", *(str(Path(path).resolve()) for path in code))

    def hear(self, event: str, details: tuple[Any, ...]) -> None:
        """Take in an event (sys.addaudithook)."""
        if not self.on:
            return
        if event in NETWORK + PROCESSES:
            self.touched.append(f"{event} {details[-1]!r}"[:200])
        elif event in ("open", *CHANGES) and isinstance(details[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(details[0]))
            writes = event != "open" or bool(int(details[2] or 0) & WRITING)
            if not self._may(path, writes=writes):
                self.touched.append(f"{'writes' if writes else 'reads'} {path}")

    def _may(self, path: str, *, writes: bool) -> bool:
        if writes:
            # Kernels that are compiled now are kept beside their module.
            compiled = "__pycache__" in path or "numba_cache" in path
            return compiled or path.startswith((self._folder, "/dev/", "/proc/self/"))
        return path.startswith(self._readable)


def main(file: str, name: str, folder: str) -> None:
    """Run the example of the contract that FILE calls NAME."""
    spec = importlib.util.spec_from_file_location("contract_elsewhere", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    contract = getattr(module, name)()
    stage, arguments = contract.spec(), contract.arguments()
    watch = Watch(Path(folder))
    sys.addaudithook(watch.hear)
    _set_clock_ahead()
    watch.on = True
    outcome = call(stage, arguments, Path(folder) / "made")
    watch.on = False
    outputs = [(output.kind, output.key, output.digest) for output in outcome.outputs]
    json.dump({"outputs": outputs, "touched": watch.touched, "error": outcome.traceback}, sys.stdout)


def _set_clock_ahead() -> None:
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + AHEAD
    time.time_ns = lambda: nanoseconds() + AHEAD * 10**9


if __name__ == "__main__":
    main(*sys.argv[1:])
