"""Write arrays to safetensors files, and read them from a file of unknown origin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fusion.regular_files import check_regular


def read_tensors(path: Path) -> dict[str, NDArray]:
    """Read the arrays by name, copied into memory. Raises OSError, ValueError."""
    check_regular(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        # Formats that numpy does not know, such as BF16; the error depends on the version of safetensors.
        raise ValueError(f"it has numbers of a format that is not read ({error})") from error


def write_tensors(arrays: Mapping[str, NDArray], path: Path) -> None:
    """Write arrays by name. Raises OSError, also for a full disk."""
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    except SafetensorError as error:  # not an OSError, even for an error of the system
        raise OSError(f"{path}: cannot be written ({error})") from None
