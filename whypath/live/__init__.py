"""Keep the state of a running engine: follow its store, and record events."""
