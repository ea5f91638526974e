"""The state of a running engine: it follows its store, and records events."""
