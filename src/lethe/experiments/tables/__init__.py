"""The tables: one file each, with its rows, its plans and its comparison with the paper."""
