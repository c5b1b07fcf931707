"""Adapters: the package's networks and models as other libraries know theirs, one file for each."""
