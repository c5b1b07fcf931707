"""The tables: one file each, with rows, plans and the comparison with the paper."""
