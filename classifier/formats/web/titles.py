"""What a web page says of itself ▶ its title, without the name of the outlet."""

from __future__ import annotations

from urllib.parse import urlsplit

from classifier.formats.web import linked
from classifier.formats.web.hearing import LONGEST_TITLE, Said
from classifier.formats.web.names import is_same, letters_of, line_of

_TITLES = ("og:title", "twitter:title", "dc.title", "dcterms.title")
_SEPARATORS = ("|", "»", "::", " - ", " – ", " — ", " / ", " · ", " • ", ": ")
_SURE_SEPARATORS = ("|", "::", "»")


def title_of(said: Said, article: linked.Record, source: str | None, address: str | None) -> str | None:
    """The title, or None where nothing that is said can be one."""
    heading = _heading(said)
    outlets = [each for each in (source, _host(address)) if each]
    given = [each for each in linked.listed(article.get("headline")) if isinstance(each, str)]
    given += said.properties.get("headline", [])[:1]
    given += [each for key in _TITLES for each in said.metas.get(key, [])[:1]]
    for each in [*given, heading, said.name]:
        title = _without_outlet(line_of(each), outlets, heading)
        if title and len(title) <= LONGEST_TITLE and not any(is_same(title, outlet) for outlet in outlets):
            return _whole(title, heading)
    return None


def _heading(said: Said) -> str:
    """The page's one h1; of several the one that its <title> has in it."""
    headings = list(dict.fromkeys(line for each in said.headings if (line := line_of(each))))
    if len(headings) == 1:
        return headings[0]
    name = letters_of(said.name)
    fitting = [each for each in headings if (letters := letters_of(each)) and name.startswith(letters)]
    return max(fitting, key=len, default="")


def _whole(title: str, heading: str) -> str:
    """The heading, where the title is the heading cut short for other sites."""
    cut = title.rstrip(".… ")
    if cut != title and len(cut) > 20 and heading.startswith(cut) and len(heading) <= LONGEST_TITLE:
        return heading
    return title


def _host(address: str | None) -> str:
    host = (urlsplit(address).hostname or "") if address else ""
    return host.removeprefix("www.")


def _without_outlet(title: str, outlets: list[str], heading: str) -> str:
    """A title without the outlet's name, which pages put behind it or before it."""
    if heading and title != heading and len(heading) > 10 and _ends_in_outlet(title, heading):
        return heading
    for separator in _SEPARATORS:
        if separator not in title:
            continue
        head, _, tail = title.rpartition(separator)
        if head.strip() and any(_names_outlet(tail, outlet) for outlet in outlets):
            return head.strip(" |»:-–—")
        head, _, tail = title.partition(separator)
        if tail.strip() and any(_names_outlet(head, outlet) for outlet in outlets):
            return tail.strip(" |»:-–—")
    for separator in _SURE_SEPARATORS:
        head, _, tail = title.rpartition(separator)
        if len(head.split()) >= 4 > len(tail.split()):
            return head.strip()
        head, _, tail = title.partition(separator)
        if len(tail.split()) >= 4 > len(head.split()):
            return tail.strip()
    return title


def _ends_in_outlet(title: str, heading: str) -> bool:
    """Whether a title is the page's heading with something put to it behind a separator."""
    if title.startswith(heading):
        rest = title[len(heading) :].lstrip()
        return rest[:1] in ("|", "-", "–", "—", "»", "·", "•", "/") or rest.startswith("::")
    if title.endswith(heading):
        rest = title[: -len(heading)].rstrip()
        return rest[-1:] in ("|", "-", "–", "—", "»", "·", "•", "/", ":")
    return False


def _names_outlet(part: str, outlet: str) -> bool:
    letters, name = letters_of(part), letters_of(outlet)
    if not letters or not name:
        return False
    # "example.kz" names what is written "Example" or "EXAMPLE.KZ: news of the steppe"
    return letters == name or (len(name) > 3 and name.startswith(letters) and "." in outlet)
