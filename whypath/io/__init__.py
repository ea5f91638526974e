"""Files that people give or take: interactions, recommendations, vectors, graphs."""
