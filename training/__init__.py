"""Training, evaluation and export of the networks that the server runs."""
