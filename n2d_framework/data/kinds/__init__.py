"""Kinds of the columns of a table, by what is written there."""
