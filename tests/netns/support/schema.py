# SPDX-License-Identifier: MIT
"""docs/api.schema.json, held against what a daemon really says."""

import json

from jsonschema import Draft202012Validator, RefResolver

from .host import ROOT

SCHEMA = json.loads((ROOT / "docs/api.schema.json").read_text())
METHODS = [method["properties"]["method"]["const"] for method in SCHEMA["$defs"]["request"]["oneOf"]]


def validate(part: str, value) -> None:
    """`part`: a name under $defs, such as "peer.list.result"."""
    Draft202012Validator(SCHEMA["$defs"][part], resolver=RefResolver.from_schema(SCHEMA)).validate(value)
