"""Several embedders side by side."""

from __future__ import annotations

import numpy as np
import pytest
from n2d_text.feature_union import FeatureUnion
from n2d_text.tfidf import TfidfSvd

from n2d_framework.config import read_config
from n2d_framework.errors import StateError
from n2d_framework.plugin import FitContext, Rows, derive_seed

SEED = FitContext(seed=3)
PARTS = ({"name": "tfidf_svd", "latent_dim": 6}, {"name": "tfidf_svd", "normalize": False})


def test_parts_are_put_side_by_side(texts, new_texts):
    union = FeatureUnion(embedders=PARTS)
    z = union.fit_transform(texts, context=SEED)
    alone = TfidfSvd(latent_dim=6).fit(texts, context=FitContext(seed=derive_seed(3, "0")))
    np.testing.assert_allclose(z[:, :6], alone.transform(texts), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(z[:, 6:], axis=1), 1.0, rtol=1e-3)
    np.testing.assert_array_equal(z, z.astype(np.float16))  # bundles are half as large
    again = FeatureUnion(embedders=PARTS)
    again.set_state(union.get_state())
    expected = union.transform(new_texts)
    assert again.transform(new_texts).tobytes() == expected.tobytes()
    one = np.concatenate([union.transform(new_texts[i : i + 1]) for i in range(9)])
    assert one.tobytes() == expected[:9].tobytes()


def test_a_state_of_other_embedders_is_refused(texts):
    union = FeatureUnion(embedders=PARTS)
    assert len(union.check_input(1, ())) == 4  # each says that one text is too few, and no word
    state = union.fit(texts, context=SEED).get_state()
    with pytest.raises(StateError, match="a list of 2 states"):
        union.set_state({"parts": state["parts"][:1]})


def test_the_default_of_a_run_puts_counts_and_meanings_together(texts):
    found = read_config({"data": "t.csv"}).composition.for_rows(Rows.of(texts.tolist()))
    chosen = {role: (choice.name, dict(choice.given)) for role, choice in found.steps.items()}
    assert chosen == {
        "embedder": ("feature_union", {}),
        "manifolder": ("umap", {"n_components": 20}),
        "clusterer": ("kmeans", {}),
        "describe": ("class_tfidf", {}),
    }
