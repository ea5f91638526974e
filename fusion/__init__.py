"""Combine blocks into one score; rank, split, measure and evaluate anything that scores."""
