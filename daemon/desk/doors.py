"""Who may come in: every request passes here before a page sees it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from daemon.desk.people import Person

# Programs that look on may ask these without signing in; they say "ok" or not, and nothing else.
FOR_PROGRAMS = frozenset(("/-/healthy", "/-/ready"))


def person_of(request: Request) -> Person:
    """Who asks; the guards have let them in."""
    person = getattr(request.state, "person", None)
    if not isinstance(person, Person):
        raise HTTPException(401, "not signed in")
    return person


def editor_of(request: Request) -> Person:
    """Who asks, if they may change anything."""
    person = person_of(request)
    if not person.may_change:
        raise HTTPException(403, "a reader may not change anything")
    return person


Reader = Annotated[Person, Depends(person_of)]
Editor = Annotated[Person, Depends(editor_of)]
