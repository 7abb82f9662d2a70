"""A variational autoencoder and contrastive learning of images for n2d_framework."""
