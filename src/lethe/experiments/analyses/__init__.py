"""Other measurements of networks: states, lesions, error flow, cost."""
