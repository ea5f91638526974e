"""From a model and a snapshot to answers: lists, filters, explanations."""
