"""Executors of steps: in this process, in one with limits, by the workers of Dask."""
