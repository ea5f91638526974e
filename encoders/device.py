"""Choose the device that networks are trained on: an accelerator where there is one."""

from __future__ import annotations

import torch


def training_device() -> torch.device:
    """The first CUDA device, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
