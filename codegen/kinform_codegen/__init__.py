"""Generates typed Kubernetes informers, listers, clients and models from OpenAPI."""
