"""The process around a component: its settings, its state, and what a component does to it."""
