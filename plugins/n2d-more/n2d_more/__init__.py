"""A variational autoencoder, contrastive learning of images and PaCMAP for n2d_framework."""
