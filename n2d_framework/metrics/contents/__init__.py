"""Contents of clusters: prototypes of series, and words of texts."""
