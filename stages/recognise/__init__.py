"""What a file from outside holds: a recorded stretch of a pass, space packets, or a picture or sound.

Only the first MiB is looked at, with numpy alone: this runs once for every file that arrives. Confidence, for kinds to be compared:

===== =========================================================================================================================
0.99  a media file or label by its first bytes
0.95  frames whose error control agrees at least twice, or markers at the stride of a link at least twice
0.9   packets of which the profile knows nine in ten by APID
0.8   one pair of markers at the stride, one frame whose error control agrees, or packets whose sequence counts go up by one
0.7   frames without error control whose headers are plausible and whose counters go up by one
0.6   a single marker, in a file too short for two
0.1   an ending that archives give to plain samples
1.0   what the operator says that it is
===== =========================================================================================================================
"""

from __future__ import annotations

from stages.recognise.media import recognise_label, recognise_media
from stages.recognise.recording import recognise_stream
from stages.recognise.space_packets import packets_from_outside, recognise_packets

__all__ = ["packets_from_outside", "recognise_label", "recognise_media", "recognise_packets", "recognise_stream"]
