"""Documents of word processors, and zips, in which most of them come ▶ articles."""
