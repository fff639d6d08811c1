"""Checks the config of a data set before it is built; every message names the field, the value and what is accepted."""

from __future__ import annotations

import operator
from functools import partial

from mrsr.config.checks import check_types, require
from mrsr.config.data import DatasetConfig, FacesConfig

ISOLATIONS = ("crop", "mask")


def validate_dataset(config: DatasetConfig) -> DatasetConfig:
    """The config of a data set, unchanged, once every field holds what the schema says.

    Raises:
      UserError: a field is of the wrong type or out of range.
    """
    check_types(config, "")
    for path in ("frames", "shard_megabytes"):
        require(config, path, lambda v: v > 0, "above 0")
    require(config, "smallest", lambda v: v >= 64, "64 or above, the pieces that sharpness is measured in")
    for path in ("motion", "detail", "sharpness"):
        require(config, path, lambda v: v >= 0, "0 or above")
    require(config, "validation", lambda v: 0 <= v <= 1, "from 0 to 1")
    require(config, "quality", lambda v: 1 <= v <= 100, "from 1 to 100")
    require(config, "reductions", lambda v: v and v[0] >= 1 and list(v) == sorted(set(v)), "factors from 1, ascending")
    return config


def validate_faces(config: FacesConfig) -> FacesConfig:
    """The config of a data set of faces, unchanged, once every field holds what the schema says.

    Raises:
      UserError: a field is of the wrong type or out of range.
    """
    check_types(config, "")
    for path in ("confidence", "seen"):
        require(config, path, lambda v: 0 <= v <= 1, "from 0 to 1")
    require(config, "smallest", lambda v: v > 0, "above 0")
    require(config, "margin", lambda v: v >= 0, "0 or above")
    require(config, "isolate", partial(operator.contains, ISOLATIONS), "one of " + ", ".join(ISOLATIONS))
    return config
