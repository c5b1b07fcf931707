"""What is measured of networks besides their errors: states, lesions, errors' flow, cost."""
