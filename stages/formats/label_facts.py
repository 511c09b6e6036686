"""What matters in the labels of the planetary archives, as JSON values under plain names."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

from stages.formats.labels import Block, Quantity, Value
from stages.formats.layout import Layout

__all__ = ["json_value", "label_facts", "label_layout", "mask_bits"]

FACTS = {
    "product": "PRODUCT_ID",
    "data_set": "DATA_SET_ID",
    "spacecraft": "INSTRUMENT_HOST_ID",
    "instrument": "INSTRUMENT_ID",
    "target": "TARGET_NAME",
    "sequence": "SEQUENCE_ID",
    "sol": "PLANET_DAY_NUMBER",
    "start_time": "START_TIME",
    "stop_time": "STOP_TIME",
    "clock_start": "SPACECRAFT_CLOCK_START_COUNT",
    "clock_stop": "SPACECRAFT_CLOCK_STOP_COUNT",
    "received_time": "EARTH_RECEIVED_STOP_TIME",
    "exposure": "EXPOSURE_DURATION",
    "filter": "FILTER_NAME",
    "compression": "INST_CMPRS_NAME",
    "compression_rate": "INST_CMPRS_RATE",
    "compression_quality": "INST_CMPRS_QUALITY",
    "companding": "SAMPLE_BIT_MODE_ID",
    "bayer_method": "BAYER_METHOD",
    "geometry": "GEOMETRY_PROJECTION_TYPE",
    "first_line": "FIRST_LINE",
    "first_sample": "FIRST_LINE_SAMPLE",
    "expected_packets": "EXPECTED_PACKETS",
    "received_packets": "RECEIVED_PACKETS",
}
"""Our name to the archives' keyword (Planetary Science Data Dictionary)."""
CONSTANTS = ("MISSING_CONSTANT", "INVALID_CONSTANT", "MISSING", "INVALID", "NULL", "CORE_NULL")
NOTHING = {"", "N/A", "NULL", "UNK", "UNKNOWN", "NONE", "'N/A'"}
LOSSY = re.compile(r"JPEG(?![- ]?LS)|ICER|MPEG|H\.?264|DCT|WAVELET", re.IGNORECASE)
RAW_BAYER = {"", "N/A", "NONE", "RAW_BAYER", "RAW", "NULL", "UNK"}
LONGEST = 200
"""Characters of a fact, and numbers of a list."""


def label_facts(label: Block) -> dict[str, Any]:
    """Give the facts of a label: `label` with those of FACTS that it has, `lossless`, and `cfa` where it names a colour filter."""
    facts = {name: value for name, keyword in FACTS.items() if (value := json_value(label.lookup(keyword))) not in (None, *NOTHING)}
    meta: dict[str, Any] = {"label": facts, "lossless": not LOSSY.search(str(facts.get("compression", "")))}
    pattern = re.search(r"\b(?:BAYER_)?(RGGB|GRBG|GBRG|BGGR)\b", str(label.lookup("CFA_TYPE") or "").upper().replace("BAYER_", ""))
    if pattern and str(facts.get("bayer_method", "")).upper() in RAW_BAYER:
        meta["cfa"] = pattern[1]
    return meta


def label_layout(label: Block, layout: Layout) -> Layout:
    """Add to a layout what stands in a label beside it: constants of lost samples, and the bits that are used."""
    constants = [value for keyword in CONSTANTS if (value := label.lookup(keyword)) is not None]
    bits = mask_bits(label.lookup("SAMPLE_BIT_MASK"))
    return dataclasses.replace(layout, bits=bits).without(_plain(value) for value in constants)


def mask_bits(value: Value | None) -> int:
    """Give the bits that a mask such as 2#0000111111111111# allows; 0 if it says none."""
    if isinstance(value, str):
        match = re.fullmatch(r"2#([01]{1,64})#", value)
        value = int(match[1], 2) if match else 0
    return value.bit_length() if isinstance(value, int) and 0 < value < 1 << 16 else 0


def json_value(value: Value | None) -> Any:
    """Give a label's value as JSON: lists as lists, numbers without their units, numbers that JSON has not as text."""
    value = _plain(value)
    if isinstance(value, tuple):
        return [json_value(one) for one in value[:LONGEST]]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.strip()[:LONGEST] if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Quantity) else value
