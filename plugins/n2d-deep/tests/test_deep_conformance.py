import pytest

from n2d_framework.testing import conformance

test_idec = conformance("embedder/idec")
test_soft_assignment = conformance("clusterer/soft_assignment")
# They share nearly all of their code with idec.
test_dec = pytest.mark.slow(conformance("embedder/dec"))
test_dcec = pytest.mark.slow(conformance("embedder/dcec"))
