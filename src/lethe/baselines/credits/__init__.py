"""Ways for errors to reach weights: a file each, and any of them goes with any cell."""
