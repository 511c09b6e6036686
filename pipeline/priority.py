"""Which of what is due comes first: a mission says it of keys, in its profile.

```toml
[[priority]]            # what matches the first table comes first, then the second; what a table could speak of and none matches comes last
file = "0080-*"
```

What is made before anybody can tell (a recording's frames and packets, and the telemetry in them) comes before all of these.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Priorities"]


@dataclass(frozen=True, slots=True)
class Priorities:
    """Urgencies: 0 for what no rule can tell, then the rules in order, then the rest."""

    rules: tuple[Mapping[str, str], ...] = ()
    """Each a glob for the value of one dimension or several."""

    @property
    def urgent(self) -> int:
        """Urgency of the last rule: what comes after it is the rest."""
        return len(self.rules)

    def of(self, key: Mapping[str, str], inherited: int) -> int:
        """Say how urgent what has this key is; `inherited` is what it was made by, which counts where its key tells nothing."""
        told = False
        for number, rule in enumerate(self.rules, 1):
            if all(dimension in key for dimension in rule):
                told = True
                if all(fnmatch.fnmatchcase(key[dimension], glob) for dimension, glob in rule.items()):
                    return number
        return len(self.rules) + 1 if told else inherited
