"""Pages of the web ▶ articles: by themselves, saved with their pictures, and listed in feeds."""
