"""Encoders: from behaviour, graph and text to blocks that score items for a history (`encoders.block.Block`)."""
