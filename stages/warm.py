"""What a process needs before any kernel runs, and takes half a second: worker processes are forked from one that has imported this."""

from __future__ import annotations

from numba.core.registry import cpu_target

__all__: list[str] = []

# The compiler reads its tables of functions when it is first wanted.
cpu_target.target_context.refresh()
