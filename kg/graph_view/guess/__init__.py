"""Guess a first domain description from an existing graph."""

from kg.graph_view.guess.guessing import guess_graph

__all__ = ["guess_graph"]
