"""Arrays in safetensors files: written, and read from one that may come from anybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fusion.regular_files import check_regular


def read_tensors(path: Path) -> dict[str, NDArray]:
    """The arrays by name, copied into memory. Raises OSError, ValueError."""
    check_regular(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        # Formats that numpy does not know, such as BF16; which error it is depends on the version of safetensors.
        raise ValueError(f"it has numbers of a format that is not read ({error})") from error


def write_tensors(arrays: Mapping[str, NDArray], path: Path) -> None:
    """Write arrays by name. Raises OSError, where a disk is full too."""
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    except SafetensorError as error:  # which is no OSError, whatever the system said
        raise OSError(f"{path}: cannot be written ({error})") from None
