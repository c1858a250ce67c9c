"""Video in, actions out: poses from video, and pictures of the results."""
