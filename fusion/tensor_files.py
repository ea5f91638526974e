"""Arrays from a safetensors file that may come from anybody."""

from __future__ import annotations

from pathlib import Path

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

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
