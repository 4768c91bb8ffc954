"""What all pages work with: the settings, the ledger, the index, and the model that serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request

from classifier import LabelError, Model, ModelError, load_model
from daemon import quality
from daemon.config import Settings
from daemon.database import Database
from daemon.desk.index import Index
from daemon.serving import Serving


class Models:
    """The model that serves: the one that tags what comes in, as the daemon would have it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._work = threading.Lock()
        self._serving: Serving | None = None

    def served(self) -> Model:
        """With the cuts that are promised, and without what is retired by now.

        Where another model or the topics cannot be read, what served before serves on. Raises ModelError
        where none has served.
        """
        with self._lock:
            if self._serving is None:
                self._serving = self._first()
            self._serving.refresh()
            return self._serving.model

    def titles(self) -> dict[str, str]:
        """Of what the model that serves may say, by id, in the order of the titles; none without one."""
        try:
            self.served()
        except ModelError:
            return {}
        assert self._serving is not None
        return dict(self._serving.choices())

    def _first(self) -> Serving:
        settings = self._settings
        own_topics = settings.home / "labels" / "topics.toml"
        return Serving(settings.models, load_model(settings.models), own_topics, settings.promises)

    @contextmanager
    def at_work(self) -> Iterator[Model]:
        """The same, to tag and to explain with: for one thread at a time, as it remembers words."""
        model = self.served()
        with self._work:
            yield model


class _Topics:
    """The titles of topics, read again when a file that has a part in them is another one.

    A file that cannot be read changes nothing: what is wrong with it stands on the page of topics.
    """

    def __init__(self, settings: Settings, models: Models) -> None:
        self._settings = settings
        self._models = models
        self._files = settings.models / "current", settings.home / "labels" / "topics.toml"
        self._stamps: tuple[object, ...] | None = None
        self._titles: Mapping[str, str] = {}

    def titles(self) -> Mapping[str, str]:
        stamps = tuple(map(_stamp, self._files))
        if stamps != self._stamps:
            try:
                self._titles = quality.topics_asked_of(self._settings.home, self._settings.models)
            except LabelError:
                self._titles = self._titles or self._models.titles()
            self._stamps = stamps
        return self._titles


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages of a process work with; made once."""

    settings: Settings
    database: Database
    index: Index
    models: Models = field(init=False)
    _topics: _Topics = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", Models(self.settings))
        object.__setattr__(self, "_topics", _Topics(self.settings, self.models))

    @property
    def home(self) -> Path:
        return self.settings.home

    def topics(self) -> Mapping[str, str]:
        """The topics that an article may be about, titles by id, in the order of the titles."""
        return self._topics.titles()


def desk_of(request: Request) -> Desk:
    """The desk of the process that answers a request."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk
