"""Train, save, open and evaluate models as bundles."""
