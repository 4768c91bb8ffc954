"""Rich Text Format ▶ an article.

Read here and not with striprtf, which needs minutes for some files of kilobytes and loses notes and
boxes while it keeps what is hidden, deleted or the code of a field.
"""
