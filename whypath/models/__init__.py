"""Trained models as bundles: training, saving, evaluation."""
