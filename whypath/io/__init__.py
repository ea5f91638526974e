"""Read and write users' files: interactions, recommendations, vectors, graphs."""
