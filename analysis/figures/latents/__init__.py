"""What single latents carry."""
