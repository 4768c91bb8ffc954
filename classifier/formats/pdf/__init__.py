"""PDF ▶ an article: of the places of its glyphs, or the simple way."""
