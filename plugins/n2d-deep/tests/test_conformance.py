from n2d_framework.testing import conformance

test_dec = conformance("embedder/dec")
test_idec = conformance("embedder/idec")
test_dcec = conformance("embedder/dcec")
test_soft_assignment = conformance("clusterer/soft_assignment")
