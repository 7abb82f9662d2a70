"""Work on a fitted model: edits, refits, the number of clusters, updates, explanations."""
