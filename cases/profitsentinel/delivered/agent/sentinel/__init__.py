"""The agent beside the pipeline: puts its findings into words and work."""
