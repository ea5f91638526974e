"""Guessing a first domain description from a graph that is there."""

from kg.graph_view.guess.guessing import guess_graph

__all__ = ["guess_graph"]
