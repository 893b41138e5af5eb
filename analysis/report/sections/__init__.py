"""What the report shows, part by part."""
