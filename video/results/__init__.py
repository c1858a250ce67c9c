"""What the overlay and the report share: results read as a stream, times, places, colours."""
