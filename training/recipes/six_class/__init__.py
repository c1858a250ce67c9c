"""The six-class model: people sitting down, getting up, sitting, standing, walking, jumping."""
