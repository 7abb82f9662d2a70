"""Announces the components; imports nothing of them."""

from __future__ import annotations

from collections.abc import Iterator

from n2d_framework.plugin import ComponentSpec, hookimpl

_SMALL = {"latent_dim": 5, "min_df": 1, "max_df": 1.0}


@hookimpl
def n2d_components() -> Iterator[ComponentSpec]:
    """Announce embedders of texts, and what names clusters by their words."""
    yield ComponentSpec(
        role="embedder",
        name="tfidf_svd",
        factory="n2d_text.tfidf:TfidfSvd",
        summary="Latent semantic analysis: weighted counts of words, reduced",
        input="text",
        missing=True,
        state_version=2,
        reference="Deerwester, Dumais, Furnas, Landauer and Harshman 1990, Indexing by latent "
        "semantic analysis, Journal of the American Society for Information Science 41",
        small_options=_SMALL,
    )
    yield ComponentSpec(
        role="embedder",
        name="static_words",
        factory="n2d_text.static_words:StaticWords",
        summary="The mean of the vectors of a text's words, from a file or an installed package",
        input="text",
        missing=True,
        reference="Wieting, Bansal, Gimpel and Livescu 2016, Towards universal paraphrastic "
        "sentence embeddings, ICLR",
    )
    yield ComponentSpec(
        role="embedder",
        name="transformer",
        factory="n2d_text.transformer:Transformer",
        summary="Embeddings by a transformer model in a local folder (ONNX, sentence-transformers)",
        input="text",
        missing=True,
        extra="n2d-text[onnx]",
        reference="Reimers and Gurevych 2019, Sentence-BERT: Sentence embeddings using siamese "
        "BERT-networks, EMNLP",
    )
    yield ComponentSpec(
        role="embedder",
        name="feature_union",
        factory="n2d_text.feature_union:FeatureUnion",
        summary="Latent rows of several embedders of texts, side by side",
        input="text",
        missing=True,
        default_for=("text",),
        small_options={"embedders": [{"name": "tfidf_svd", **_SMALL}]},
    )
    yield ComponentSpec(
        role="describe",
        name="class_tfidf",
        factory="n2d_text.class_tfidf:ClassTfidf",
        summary="Names clusters by the words that set them apart, and shows typical texts",
        input="text",
        reference="Grootendorst 2022, BERTopic: Neural topic modeling with a class-based TF-IDF "
        "procedure, arXiv:2203.05794",
        default_for=("text",),
        small_options={"min_df": 1},
    )
