"""Bring data sets in their original formats into arrays for training.

``python -m training.pose_classification.importers FORMAT SOURCE -o FOLDER``; see `docs/data.md`.
"""
