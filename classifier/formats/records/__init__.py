"""JSON and JSON Lines ▶ articles, of news services and of an owner's own files, by their keys."""
