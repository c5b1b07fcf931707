"""The systems: one file each, with its equations, its source, and ``make`` at the end."""
