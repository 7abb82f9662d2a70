"""Neural embedders: autoencoders written in Keras 3, backend by backend the same.

Training goes through Keras; embedding and reconstructing through exact products in NumPy
(:mod:`.exact`), so that a fitted model needs no deep-learning library and a row gets the same
coordinates in any company.
"""
