"""Word's documents ▶ an article.

The XML is walked, not loaded: python-docx needs gigabytes for some files of kilobytes, and its
paragraphs leave out what is in boxes, notes, tables, content controls and insertions. Here each of
them is read once, as a reader sees them; deleted and hidden text, the code of fields, comments, heads
and feet of pages are not.
"""
