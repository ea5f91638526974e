"""Compute answers from a model and a snapshot: lists, filters, explanations."""
