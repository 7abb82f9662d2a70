"""A plugin for tests of trackers: an embedder that has epochs, a manifolder that fails."""

PLUGIN = """
import numpy as np

from n2d_framework.plugin import ComponentSpec, component, hookimpl, option

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="embedder", name="in_epochs", factory="toys_plugin:InEpochs", summary="Has epochs.",
        input="vector",
    )
    yield ComponentSpec(
        role="manifolder", name="always_fails", factory="toys_plugin:Fails", summary="Fails."
    )

@component
class InEpochs:
    epochs: int = option(3, ge=1, help="How many.")

    def fit(self, x, *, context):
        for epoch in range(1, self.epochs + 1):
            context.epoch_finished(epoch, self.epochs, {"loss": 1 / epoch, "val_loss": 2 / epoch})
        return self

    def transform(self, x):
        return np.ascontiguousarray(x[:, :8])

    def get_state(self):
        return {}

    def set_state(self, state):
        pass

@component
class Fails:
    def fit(self, x, *, context):
        raise ValueError("no way")

    def transform(self, x):
        return x

    def get_state(self):
        return {}

    def set_state(self, state):
        pass
"""
