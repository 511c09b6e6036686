"""What packages of stages name is imported before worker processes are forked; what fails is left out."""

from __future__ import annotations

import importlib.metadata
import runpy


class Entry:
    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.loaded = error, False

    def load(self) -> None:
        self.loaded = True
        if self.error:
            raise self.error


def test_what_cannot_be_imported_keeps_nobody_from_work(monkeypatch):
    entries = [Entry(), Entry(RuntimeError("no licence")), Entry()]
    asked = []
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: asked.append(group) or entries)
    runpy.run_module("pipeline.warm")
    assert [entry.loaded for entry in entries] == [True, True, True]
    assert asked == ["skycrane.warm"]


def test_ours_is_named():
    named = [entry.value for entry in importlib.metadata.entry_points(group="skycrane.warm")]
    assert "stages.warm" in named
