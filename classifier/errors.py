"""What can go wrong in the classifier. An error's class tells the caller what to do with the file."""

from __future__ import annotations

_MOST_OF_A_FILE = 20  # problems named one by one


class ClassifierError(Exception):
    """Something a person can mend; the message says what and where, in one line."""


class UnreadableArticleError(ClassifierError):
    """The file is not an article we can read, and trying again will not change that."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason}; {mend}")
        self.reason = reason
        self.mend = mend

    def __reduce__(self) -> tuple[type[UnreadableArticleError], tuple[str, str]]:
        return type(self), (self.reason, self.mend)


def empty() -> UnreadableArticleError:
    """There is no text in it."""
    return UnreadableArticleError("empty", "drop it again when there is text in it")


def too_long(most: int) -> UnreadableArticleError:
    """There is more text in it than `most` characters."""
    return UnreadableArticleError(f"longer than {most:,} characters", "part it into smaller files")


class JailError(OSError):
    """No parser can be started just now; that is no fault of the file, which is to be tried again."""


class LabelError(ClassifierError):
    """Labels, topics or seeds are not sound. One line a problem, each with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)

    @classmethod
    def of(cls, file: object, problems: list[str]) -> LabelError:
        """Of one file, the first problems by name: a file of another kind has as many as it has lines."""
        more = len(problems) - _MOST_OF_A_FILE
        return cls([*problems[:_MOST_OF_A_FILE], f"{file}: and {more:,} more"] if more > 0 else problems)


class ModelError(ClassifierError):
    """A model folder cannot be trusted or does not fit this version."""


class NoModelError(ModelError):
    """The home has no model yet."""
