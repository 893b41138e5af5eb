"""What each direction of the latents moves in the picture."""
