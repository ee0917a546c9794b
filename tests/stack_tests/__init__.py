"""The local stack keeps its promises: parts start, break on request, and leave nothing behind."""
