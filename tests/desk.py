"""A receiver that fails as planned, for tests of what dispatch does about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.messages import Message
from daemon.records import Sent


@dataclass
class Desk:
    """Each plan is for one sending, with whether it arrives anyway. `shown` is what stands there now."""

    plans: list[tuple[Exception | None, bool]] = field(default_factory=list)
    can_look: bool = True
    can_thread: bool = True
    groups: bool = True
    blind: Exception | None = None
    wait: float = 0.0
    sendings: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    arrived: dict[str, Sent] = field(default_factory=dict)
    looks: int = 0
    since: list[float] = field(default_factory=list)
    everywhere: list[bool] = field(default_factory=list)
    updates: list[Message] = field(default_factory=list)
    update_plans: list[Exception] = field(default_factory=list)
    update_wait: float = 0.0
    uploads: int = 0
    upload_plans: list[Exception] = field(default_factory=list)
    taken_back: list[Sent] = field(default_factory=list)
    take_back_plans: list[Exception] = field(default_factory=list)

    def send(self, message: Message) -> Sent:
        self.sendings.append(message.headline)
        self.messages.append(message)
        error, arrives = self.plans.pop(0) if self.plans else (None, True)
        if arrives:
            self.arrived[message.key] = Sent("C1", f"message {len(self.arrived) + 1}")
        if error is not None:
            raise error
        return self.arrived[message.key]

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        self.looks += 1
        self.since.append(since)
        self.everywhere.append(everywhere)
        if self.blind is not None:
            raise self.blind
        return self.arrived.get(message.key)

    def update(self, message: Message, sent: Sent) -> None:
        if self.update_plans:
            raise self.update_plans.pop(0)
        self.updates.append(message)

    def take_back(self, sent: Sent) -> None:
        if self.take_back_plans:
            raise self.take_back_plans.pop(0)
        self.taken_back.append(sent)

    def upload(self, png: bytes, title: str) -> str:
        self.uploads += 1
        if self.upload_plans:
            raise self.upload_plans.pop(0)
        return f"F{self.uploads}"

    def pause(self) -> float:
        return self.wait

    def update_pause(self) -> float:
        return self.update_wait
