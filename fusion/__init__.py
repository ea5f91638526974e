"""Fusion: blocks become one score; ranking, splits, metrics and evaluation of anything that scores."""
