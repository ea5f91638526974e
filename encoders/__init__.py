"""Encoders: fit blocks to behaviour, graph and text that score items for a history (`encoders.block.Block`)."""
