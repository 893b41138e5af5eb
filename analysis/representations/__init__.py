"""A model and images -> codes and bounds; bases, traversals, controls."""
