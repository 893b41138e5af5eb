"""Pages: report and explorer."""
