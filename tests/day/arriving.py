"""Files as they come in a day: by the curve of a day, in batches at the hours, in all the ways files come."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path
from typing import Self

import numpy as np

from tests.day import writing
from tests.day.hours import Hours
from tests.day.plan import DAY, Plan
from tests.growth.arrivals import Load, moments

_HOSTILE = 0.01
_AGAIN = 0.03  # the same bytes under another name
_MORE = 0.04  # another file of the same event
_CHANGED = 0.02  # another text under the name of an earlier file
_SOURCES = ("", "", "", "", "wire", "agency")


class Arriving:
    """Drops the files of the day from a thread of its own. `made` has every file's bytes by its number."""

    def __init__(self, inbox: Path, hours: Hours, plan: Plan) -> None:
        self.made: dict[int, bytes] = {}
        self.set_aside: set[int] = set()
        self.kinds: Counter[str] = Counter()
        self.lock = threading.Lock()  # held while a file is dropped; who holds it sees no file come
        self._inbox, self._hours, self._plan = inbox, hours, plan
        self._chance = random.Random(plan.seed)
        self._names: list[str] = []
        self._texts: list[writing.Text] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="arriving", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No further file comes."""
        self._stop.set()
        self._thread.join()

    def drop_damaged(self, number: int) -> None:
        """So many files of which no article comes."""
        for _ in range(number):
            self._damaged()

    def _work(self) -> None:
        for moment in self._moments():
            wait = (moment - self._hours.passed()) / self._hours.speed
            if self._stop.wait(max(0.0, wait)):
                return
            self._drop_one()

    def _moments(self) -> list[float]:
        """Seconds of the day: singly by its curve, and a batch at each full hour."""
        plan = self._plan
        load = Load(a_day=plan.articles * 0.8, in_batches=0.0)
        length = plan.hours * 3600.0
        # A part of a day is lived as the whole of it: the same curve, pressed together.
        found = moments(load, (0.0, DAY), np.random.default_rng(plan.seed)) * (length / DAY)
        batch = max(1, round(plan.articles * 0.2 / 24))
        starts = np.arange(1, 24) * (length / 24)
        together = (starts[:, None] + np.linspace(0.0, 1.0, batch)).ravel()
        return [float(each) for each in np.sort(np.concatenate([found, together])) if each < 0.985 * length]

    def _drop_one(self) -> None:
        drawn = self._chance.random()
        if drawn < _HOSTILE:
            self._damaged()
        elif drawn < _HOSTILE + _AGAIN and self.made:
            self._again()
        elif drawn < _HOSTILE + _AGAIN + _MORE and self._texts:
            told = writing.more_of(self._chance.choice(self._texts[-200:]), self._chance.randrange(10**9))
            self._written(told, "more of an event")
        else:
            told = writing.article(len(self.made), self._plan.seed)
            self._texts.append(told)
            self._written(told, "")

    def _damaged(self) -> None:
        with self.lock:
            number = len(self.made)
            ending, data = self._chance.choice(writing.DAMAGED)
            if data.strip():
                data += str(number).encode()
            else:
                data += b" " * number
            self.set_aside.add(number)
            self.kinds["damaged"] += 1
            self._drop(number, f"damaged-{number}.{ending}", data)

    def _again(self) -> None:
        with self.lock:
            earlier = [n for n in list(self.made)[-300:] if n not in self.set_aside]
            if earlier:
                number = len(self.made)
                self.kinds["again"] += 1
                self._drop(number, f"again-{number}.txt", self.made[self._chance.choice(earlier)])

    def _written(self, told: writing.Text, kind: str) -> None:
        format = self._chance.choices(list(writing.SHARES), list(writing.SHARES.values()))[0]
        ending, write = writing.FORMATS[format]
        data = write(told)
        with self.lock:
            number = len(self.made)
            self.kinds[kind or format] += 1
            self.kinds[f"in {told.language}"] += 1
            self._drop(number, self._name(number, ending), data)

    def _name(self, number: int, ending: str) -> str:
        if self._names and self._chance.random() < _CHANGED:
            name = self._chance.choice(self._names)
            if not (self._inbox / name).exists():
                self.kinds["under an earlier name"] += 1
                return name
        source = self._chance.choice(_SOURCES)
        name = f"{source}/article-{number}.{ending}" if source else f"article-{number}.{ending}"
        self._names.append(name)
        return name

    def _drop(self, number: int, name: str, data: bytes) -> None:
        """Beside the inbox, then renamed; one in ten is written in place, by a writer who holds it open.

        Where the inbox is not there, or its disk is full, the writer tries until it is.
        """
        while True:
            try:
                self._put(name, data)
            except OSError:
                if self._stop.wait(0.05):
                    return
            else:
                self.made[number] = data
                return

    def _put(self, name: str, data: bytes) -> None:
        place = self._inbox / name
        if place.parent != self._inbox:
            if not self._inbox.is_dir():  # one who makes it would hide that it is gone
                raise FileNotFoundError(self._inbox)
            place.parent.mkdir(exist_ok=True)
        fresh = self._inbox.parent / f".dropping-{place.name}"
        try:
            fresh.write_bytes(data)
            fresh.rename(place)
        finally:
            fresh.unlink(missing_ok=True)
