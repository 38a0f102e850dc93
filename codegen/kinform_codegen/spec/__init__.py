"""Reading OpenAPI: where it comes from, what version it is, and which resources it describes."""
