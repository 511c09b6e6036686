"""The sections of a mission profile as dataclasses, checked when they are read.

A profile is a TOML file; each class here is one table of it. Unknown keys are errors, so that a slip of the pen is found at once.
"""

from __future__ import annotations

from stages.profile.camera import Camera, CompandingTable
from stages.profile.clock import LATEST, Clock
from stages.profile.dictionary import Dictionary
from stages.profile.file_protocol import FileProtocol
from stages.profile.link import Link, VirtualChannel
from stages.profile.microphone import Microphone
from stages.profile.mission import Mission, PassNote
from stages.profile.names import NameRule, Names
from stages.profile.sidecars import Sidecars
from stages.profile.timeline import Timeline

__all__ = [
    "LATEST",
    "Camera",
    "Clock",
    "CompandingTable",
    "Dictionary",
    "FileProtocol",
    "Link",
    "Microphone",
    "Mission",
    "NameRule",
    "Names",
    "PassNote",
    "Sidecars",
    "Timeline",
    "VirtualChannel",
]
