"""The interface for programs: JSON under /api, told in OpenAPI, and every failure a problem+json."""
