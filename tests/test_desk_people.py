"""Who may come in: by a token, a password, the word of a proxy; and for how long."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from daemon.cli import main
from daemon.config import Settings, load_settings
from daemon.database import Database
from daemon.desk import keys, passwords, server
from daemon.desk.app import app_of
from daemon.desk.attempts import Attempts
from daemon.desk.index import Index
from daemon.desk.passwords import People
from daemon.desk.people import Person, Role
from daemon.desk.sessions import Sessions
from daemon.desk.state import Desk
from daemon.errors import ConfigError, DaemonError
from daemon.tables import Desk as DeskTable
from tests.at_the_desk import ADDRESS, HERE, AtDesk
from tests.builders import make_settings

PASSWORD = "a horse and its cart"
COOKIE = "topicwire_8460"
FORWARDED = ("127.0.0.1", 40_000)
ELSEWHERE = ("203.0.113.9", 40_000)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual cost of a password is the point of it, and would be that of these tests."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def settings_with(home: Path, **desk: object) -> Settings:
    return make_settings(home, desk=DeskTable.model_validate({"listen": "127.0.0.1:8460", **desk}))


def client_of(settings: Settings, database: Database, client: tuple[str, int] = HERE) -> TestClient:
    app = app_of(Desk(settings, database, Index(settings.home / "desk.db")))
    return TestClient(app, base_url=ADDRESS, follow_redirects=False, client=client)


@pytest.fixture
def by_password(tmp_path: Path, database: Database) -> Iterator[TestClient]:
    """A desk that Aigerim may change and Boris may read."""
    settings = settings_with(tmp_path, login="password")
    people = People(tmp_path)
    people.add("Aigerim", Role.EDITOR, PASSWORD)
    people.add("Борис", Role.READER, PASSWORD + "!")
    yield client_of(settings, database)


def another(client: TestClient, where: tuple[str, int] = HERE) -> TestClient:
    return TestClient(client.app, base_url=ADDRESS, follow_redirects=False, client=where)


def token_in(page: str) -> str:
    return page.split('name="csrf" value="')[1].split('"')[0]


def sign_in(client: TestClient, name: str, password: str, **fields: str) -> int:
    form = {"csrf": token_in(client.get("/login").text), "name": name, "password": password, **fields}
    return int(client.post("/login", data=form).status_code)


# By the token of this machine.


def test_the_link_of_the_terminal_lets_in_and_its_token_stays_behind(
    tmp_path: Path, database: Database
) -> None:
    settings = settings_with(tmp_path)
    client = client_of(settings, database)

    entered = client.get(server.link(settings).removeprefix(ADDRESS))

    assert entered.status_code == 200
    assert keys.token(tmp_path) not in entered.text
    assert entered.headers["Referrer-Policy"] == "no-referrer"
    cookie = entered.headers["Set-Cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert keys.token(tmp_path) not in cookie
    assert client.get("/").status_code == 200


def test_the_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    first = keys.token(tmp_path), keys.signing_key(tmp_path)

    assert (keys.token(tmp_path), keys.signing_key(tmp_path)) == first
    assert first[0] != first[1]
    for name in (keys.TOKEN, keys.KEY):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [keys.KEY, keys.TOKEN]


@pytest.mark.parametrize("content", ["", "short", "x" * 5000, "with blanks " * 5, "\0" * 40])
def test_a_secret_that_is_none_lets_nobody_in(tmp_path: Path, content: str) -> None:
    (tmp_path / keys.TOKEN).write_text(content)
    (tmp_path / keys.TOKEN).chmod(0o600)

    with pytest.raises(DaemonError, match="token"):
        keys.token(tmp_path)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    keys.token(tmp_path)
    (tmp_path / keys.TOKEN).chmod(0o640)

    with pytest.raises(DaemonError, match="others may read"):
        keys.token(tmp_path)


def test_nothing_but_the_token_lets_in(at_desk: AtDesk) -> None:
    right = keys.token(at_desk.home)
    for wrong in (None, "", "x", right[:-1], right + "x", right.swapcase(), "é" * 43, "\0"):
        client = another(at_desk.client, ("198.51.100.7", 1))
        answer = client.get("/enter", params={} if wrong is None else {"token": wrong})

        assert answer.status_code in (403, 429), wrong
        assert not client.cookies
        assert client.get("/").status_code == 303


def test_whoever_guesses_waits_and_whoever_has_the_token_does_not(at_desk: AtDesk) -> None:
    client = another(at_desk.client)
    said = [client.get("/enter", params={"token": f"guess {number}"}).status_code for number in range(8)]

    assert said == [403] * 5 + [429] * 3
    assert client.get("/enter", params={"token": keys.token(at_desk.home)}).status_code == 200


def test_a_token_is_put_in_by_hand_as_well(at_desk: AtDesk) -> None:
    client = another(at_desk.client)

    assert sign_in(client, "", "", token=f" {keys.token(at_desk.home)}\n", next="/queue") == 303
    assert client.get("/").status_code == 200
    assert sign_in(another(at_desk.client), "", "", token="wrong") == 403


def test_another_token_ends_the_sessions_of_the_old_one(at_desk: AtDesk, database: Database) -> None:
    cookie = at_desk.client.cookies[COOKIE]
    (at_desk.home / keys.TOKEN).unlink()
    anew = client_of(at_desk.settings, database)
    anew.cookies.set(COOKIE, cookie)

    assert anew.get("/").status_code == 303


def test_a_program_comes_in_with_the_token_and_only_where_programs_go(at_desk: AtDesk) -> None:
    client = another(at_desk.client)
    right = {"Authorization": f"Bearer {keys.token(at_desk.home)}"}

    assert client.get("/api/articles", headers=right).status_code == 200
    assert client.get("/", headers=right).status_code == 303
    assert not client.cookies
    for wrong in ("Bearer", "Bearer wrong", f"Basic {keys.token(at_desk.home)}", "Bearer " + "x" * 43):
        assert client.get("/api/articles", headers={"Authorization": wrong}).status_code in (401, 429)


def test_a_wrong_token_is_not_made_good_by_a_session(at_desk: AtDesk) -> None:
    wrong = {"Authorization": "Bearer wrong"}

    assert at_desk.client.get("/api/articles", headers=wrong).status_code == 401


# Sessions.


def changed(cookie: str) -> Iterator[str]:
    for place in range(0, len(cookie), 7):
        other = "A" if cookie[place] != "A" else "B"
        yield cookie[:place] + other + cookie[place + 1 :]
    yield cookie[:-1]
    yield cookie + "A"
    yield cookie.split(".", 1)[0]
    yield ""
    yield "." * 5
    yield "A" * 3000
    yield '["id","operator","stamp"]'


def test_a_cookie_that_was_changed_lets_nobody_in(at_desk: AtDesk) -> None:
    whole = at_desk.client.cookies[COOKIE]
    client = another(at_desk.client)
    for cookie in changed(whole):
        answer = client.get("/", headers={"Cookie": f"{COOKIE}={cookie}"})

        assert answer.status_code == 303, cookie
    assert client.get("/", headers={"Cookie": f"{COOKIE}={whole}"}).status_code == 200


def test_a_cookie_of_another_key_lets_nobody_in(at_desk: AtDesk) -> None:
    stamp = Sessions(keys.signing_key(at_desk.home)).read(at_desk.client.cookies[COOKIE])
    assert stamp is not None
    forged = Sessions("x" * 43).begin("operator", stamp.stamp)

    answer = another(at_desk.client).get("/", headers={"Cookie": f"{COOKIE}={forged}"})

    assert answer.status_code == 303


def test_a_session_ends_after_some_days(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions("x" * 43)
    cookie = sessions.begin("operator", "")
    began = time.time()

    monkeypatch.setattr(time, "time", lambda: began + 13 * 24 * 3600)
    assert sessions.read(cookie) is not None
    monkeypatch.setattr(time, "time", lambda: began + 15 * 24 * 3600)
    assert sessions.read(cookie) is None


def test_a_session_that_was_signed_out_of_is_none_for_whoever_copied_it(at_desk: AtDesk) -> None:
    copied = at_desk.client.cookies[COOKIE]

    assert at_desk.client.post("/sign-out").status_code == 303

    thief = another(at_desk.client)
    assert thief.get("/", headers={"Cookie": f"{COOKIE}={copied}"}).status_code == 303


def test_nobody_is_given_a_session_that_was_there_before(by_password: TestClient) -> None:
    """Session fixation: a cookie from elsewhere is not the one that signing in begins."""
    planted = Sessions("x" * 43).begin("Aigerim", "")
    by_password.cookies.set(COOKIE, planted)

    assert sign_in(by_password, "Aigerim", PASSWORD) == 303

    given = [cookie.value for cookie in by_password.cookies.jar if cookie.name == COOKIE]
    assert planted not in given[-1:]
    first = given[-1]
    other = another(by_password)
    assert sign_in(other, "Aigerim", PASSWORD) == 303
    assert other.cookies[COOKIE] != first


def test_nobody_can_be_signed_in_as_somebody_else(by_password: TestClient) -> None:
    """Login CSRF: the form of another browser, with its token, is not taken from this one."""
    attacker, victim = another(by_password), another(by_password)
    form = {"name": "Борис", "password": PASSWORD + "!", "csrf": token_in(attacker.get("/login").text)}

    assert victim.post("/login", data=form).status_code == 403
    victim.get("/login")
    assert victim.post("/login", data=form).status_code == 403
    assert victim.post("/login", data={**form, "csrf": ""}).status_code == 403
    assert victim.get("/").status_code == 303
    assert attacker.post("/login", data=form).status_code == 303


# By password.


def test_a_person_comes_in_by_name_and_password(by_password: TestClient) -> None:
    assert sign_in(by_password, "Aigerim", PASSWORD, next="/queue") == 303
    assert "Aigerim" in by_password.get("/").text


def test_nothing_else_does(by_password: TestClient) -> None:
    for number, (name, password) in enumerate(
        (
            ("Aigerim", ""),
            ("Aigerim", PASSWORD + "!"),
            ("aigerim", PASSWORD),
            ("", PASSWORD),
            ("nobody", PASSWORD),
            ("Aigerim\0", PASSWORD),
            ("Aigerim", PASSWORD + "\0"),
            ("Борис", PASSWORD),
            ("Aigerim", "x" * 100_000),
            ("' OR 1=1 --", "' OR 1=1 --"),
        )
    ):
        client = another(by_password, (f"198.51.100.{number}", 1))
        assert sign_in(client, name, password) == 403, name
        assert client.get("/").status_code == 303


def test_a_reader_looks_and_changes_nothing(by_password: TestClient) -> None:
    assert sign_in(by_password, "Борис", PASSWORD + "!") == 303
    mine = {"X-CSRF-Token": token_in(by_password.get("/").text)}

    for path in ("/api/articles", "/articles/1/verdicts", "/model/retrain", "/anything"):
        assert by_password.post(path, headers=mine).status_code == 403
    assert by_password.post("/language", headers=mine, data={"language": "kk"}).status_code == 303
    assert by_password.post("/sign-out", headers=mine).status_code == 303


def test_another_role_holds_at_once(by_password: TestClient, tmp_path: Path) -> None:
    sign_in(by_password, "Aigerim", PASSWORD)
    mine = {"X-CSRF-Token": token_in(by_password.get("/").text)}
    assert by_password.post("/anything", headers=mine).status_code == 404

    path = tmp_path / passwords.FILE
    path.write_text(path.read_text(encoding="utf-8").replace("editor", "reader"), encoding="utf-8")

    assert by_password.post("/anything", headers=mine).status_code == 403


def test_another_password_ends_a_session_and_so_does_removal(by_password: TestClient, tmp_path: Path) -> None:
    boris = another(by_password)
    assert (sign_in(by_password, "Aigerim", PASSWORD), sign_in(boris, "Борис", PASSWORD + "!")) == (303, 303)

    People(tmp_path).set_password("Aigerim", "quite another one")
    assert by_password.get("/").status_code == 303
    assert boris.get("/").status_code == 200
    People(tmp_path).remove("Борис")
    assert boris.get("/").status_code == 303


def test_whoever_guesses_passwords_waits_longer_each_time(by_password: TestClient) -> None:
    form = {"csrf": token_in(by_password.get("/login").text), "name": "Aigerim"}
    guessed = [by_password.post("/login", data={**form, "password": f"no {n}"}) for n in range(7)]

    assert [answer.status_code for answer in guessed] == [403] * 5 + [429] * 2
    assert int(guessed[-1].headers["Retry-After"]) >= 1
    assert by_password.post("/login", data={**form, "password": PASSWORD}).status_code == 429
    assert sign_in(another(by_password, ("198.51.100.1", 1)), "Aigerim", PASSWORD) == 303


def test_waits_grow_and_are_forgotten() -> None:
    attempts, now = Attempts(), 1000.0
    waits = []
    for _ in range(20):
        while wait := attempts.begin("192.0.2.1", now=now):
            waits.append(wait)
            now += wait

    assert waits[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert max(waits) == 900.0
    assert attempts.begin("192.0.2.1", now=now + 3601) == 0.0
    assert attempts.begin("192.0.2.1", now=now + 3601) == 0.0


def test_a_thousand_addresses_do_not_guess_a_thousand_times() -> None:
    attempts = Attempts()
    let = sum(attempts.begin(f"10.0.{n // 250}.{n % 250}", now=0.0) == 0.0 for n in range(1000))

    assert let <= 101
    assert attempts.begin("192.0.2.1", now=0.0) > 0
    assert attempts.begin("192.0.2.1", now=300.0) == 0.0


def test_addresses_of_one_network_of_the_new_kind_are_one() -> None:
    attempts = Attempts()
    said = [attempts.begin(f"2001:db8::{n:x}", now=0.0) for n in range(6)]

    assert said[:5] == [0.0] * 5 and said[5] > 0
    assert attempts.begin("2001:db8:1::1", now=0.0) == 0.0


def test_what_is_remembered_of_attempts_has_an_end() -> None:
    attempts = Attempts()
    for number in range(20_000):
        attempts.begin(f"a{number}", now=number * 10.0)

    assert len(attempts._by_address) == 10_000


def test_a_file_of_people_that_cannot_be_read_lets_nobody_in(by_password: TestClient, tmp_path: Path) -> None:
    sign_in(by_password, "Aigerim", PASSWORD)
    (tmp_path / passwords.FILE).write_text("{", encoding="utf-8")

    assert by_password.get("/").status_code >= 400
    assert "Refinery" not in by_password.get("/").text


def test_a_file_of_people_that_others_may_read_is_refused(tmp_path: Path) -> None:
    People(tmp_path).add("Aigerim", Role.EDITOR, PASSWORD)
    (tmp_path / passwords.FILE).chmod(0o644)

    with pytest.raises(DaemonError, match="others may read"):
        People(tmp_path).known()


# By the word of a proxy.


def by_proxy(tmp_path: Path, database: Database, where: tuple[str, int]) -> TestClient:
    settings = settings_with(
        tmp_path, login="proxy", proxies=("127.0.0.1",), editors=("aigerim@example.org", "Айгерим")
    )
    return client_of(settings, database, where)


def test_a_proxy_says_who_it_is_and_the_configuration_what_they_may(
    tmp_path: Path, database: Database
) -> None:
    client = by_proxy(tmp_path, database, FORWARDED)
    said = {"X-Forwarded-User": "aigerim@example.org"}
    page = client.get("/", headers=said)
    token = {"X-CSRF-Token": token_in(page.text)}

    assert page.status_code == 200
    assert client.post("/anything", headers={**said, **token}).status_code == 404
    assert client.post("/anything", headers=said).status_code == 403
    other = {"X-Forwarded-User": "boris@example.org"}
    assert client.get("/", headers=other).status_code == 200
    assert client.post("/anything", headers={**other, **token}).status_code == 403
    cyrillic = {"X-Forwarded-User": "Айгерим".encode()}
    assert "Айгерим" in client.get("/", headers=cyrillic).text  # type: ignore[arg-type]


def test_nobody_but_the_proxy_is_believed(tmp_path: Path, database: Database) -> None:
    said = {"X-Forwarded-User": "aigerim@example.org", "X-Forwarded-For": "127.0.0.1"}
    behind, beside = by_proxy(tmp_path, database, FORWARDED), by_proxy(tmp_path, database, ELSEWHERE)

    assert beside.get("/", headers=said).status_code == 401
    assert behind.get("/").status_code == 401
    assert behind.get("/", headers={"X-Forwarded-User": ""}).status_code == 401
    assert behind.get("/", headers={"X_Forwarded_User": "aigerim@example.org"}).status_code == 401
    twice = [("X-Forwarded-User", "boris"), ("X-Forwarded-User", "aigerim@example.org")]
    assert behind.get("/", headers=twice).status_code == 401
    assert beside.get("/feeds/energy.atom", headers=said).status_code == 401


def test_the_header_of_a_proxy_says_nothing_where_people_sign_in_otherwise(by_password: TestClient) -> None:
    assert by_password.get("/", headers={"X-Forwarded-User": "Aigerim"}).status_code == 303


def test_behind_https_a_cookie_is_for_https_alone(by_password: TestClient) -> None:
    secure = {"X-Forwarded-Proto": "https"}
    page = by_password.get("/login", headers=secure)
    before = page.headers["Set-Cookie"]

    assert before.startswith("__Host-topicwire_8460_before=") and "Secure" in before
    believed_from_nowhere_else = another(by_password, ELSEWHERE).get("/login", headers=secure)
    assert "Secure" not in believed_from_nowhere_else.headers["Set-Cookie"]


def test_behind_https_a_page_without_it_is_another_site(by_password: TestClient) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    there = TestClient(
        by_password.app,
        base_url="https://127.0.0.1:8460",
        follow_redirects=False,
        client=HERE,
        headers=headers,
    )
    form = {"csrf": token_in(there.get("/login").text), "name": "Aigerim", "password": PASSWORD}

    assert there.post("/login", data=form, headers={"Origin": "http://127.0.0.1:8460"}).status_code == 403
    entered = there.post("/login", data=form, headers={"Origin": "https://127.0.0.1:8460"})
    assert entered.status_code == 303
    assert there.get("/").status_code == 200
    session = next(each for each in entered.headers.get_list("Set-Cookie") if "before" not in each)
    assert session.startswith("__Host-topicwire_8460=") and "Secure" in session and "Path=/" in session


def test_attempts_behind_a_proxy_are_those_of_whom_it_names(by_password: TestClient) -> None:
    form = {"csrf": token_in(by_password.get("/login").text), "name": "Aigerim", "password": "no"}
    one, two = {"X-Forwarded-For": "1.1.1.1, 198.51.100.1"}, {"X-Forwarded-For": "1.1.1.1, 198.51.100.2"}
    said = [by_password.post("/login", data=form, headers=one).status_code for _ in range(6)]

    assert said == [403] * 5 + [429]
    assert by_password.post("/login", data=form, headers=two).status_code == 403
    from_nowhere = another(by_password, ELSEWHERE)
    form["csrf"] = token_in(from_nowhere.get("/login").text)
    said = [
        from_nowhere.post("/login", data=form, headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
        for n in range(3, 9)
    ]
    assert said == [403] * 5 + [429]  # whatever it says of others


# Feeds.


def test_the_key_of_a_feed_reads_feeds_and_nothing_else(at_desk: AtDesk) -> None:
    app = at_desk.client.app
    assert isinstance(app, FastAPI)
    key = app.state.admission.feed_key(Person("operator", Role.EDITOR))
    client = another(at_desk.client)

    def seen(path: str, given: str = key) -> int:
        return int(client.get(path, params={"key": given}).status_code)

    assert seen("/feeds/topics/energy.atom") != 401
    assert seen("/") == 303
    assert seen("/api/articles") == 401
    for wrong in ("", "x", key[:-1], key + "x", key.split(".")[0], "." + key.split(".")[1], "é.é"):
        assert seen("/feeds/topics/energy.atom", wrong) == 401, wrong
    assert client.post("/feeds/topics/energy.atom", params={"key": key}).status_code == 403


# What a configuration may say, and the commands.


def load(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "topicwire.toml").write_text(text, encoding="utf-8")
    return load_settings(tmp_path / "topicwire.toml", tmp_path, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('listen = "0.0.0.0:8460"\nlogin = "token"', "'token' is for this machine alone"),
        ('listen = "desk.example.org:8460"\nlogin = "token"', "'token' is for this machine alone"),
        ('listen = "[::]:8460"\nlogin = "token"', "'token' is for this machine alone"),
        ('login = "proxy"\nproxies = ["0.0.0.0/0"]', "would believe anybody"),
        ('login = "proxy"\nproxies = ["10.0.0.0/8", "::/0"]', "would believe anybody"),
        ('[metrics]\nlisten = "127.0.0.1:8460"', "is the port of the metrics"),
        ('login = "nobody"', "login"),
    ],
)
def test_a_way_in_that_would_let_anybody_in_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, f"[desk]\n{text}\n")


@pytest.mark.parametrize(
    ("listen", "way"),
    [
        ("127.0.0.1:8460", "token"),
        ("[::1]:8460", "token"),
        ("localhost:8460", "token"),
        ("127.8.8.8:1", "token"),
        ("0.0.0.0:8460", "password"),
        ("192.0.2.1:8460", "password"),
        ("desk.example.org:80", "password"),
        ("localhost.example.org:80", "password"),
        ("127.0.0.1.example.org:80", "password"),
    ],
)
def test_the_usual_way_in_follows_from_where_it_listens(tmp_path: Path, listen: str, way: str) -> None:
    assert load(tmp_path, f'[desk]\nlisten = "{listen}"\n').desk.way_in == way


def test_people_are_added_listed_and_removed_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def user(*arguments: str, password: str = PASSWORD) -> tuple[int, str]:
        import io

        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        code = main(["desk", "user", *arguments, "--home", str(tmp_path)])
        return code, "".join(capsys.readouterr())

    assert user("add", "Әсел", "--role", "editor") == (0, "Әсел: may sign in as editor\n")
    assert user("add", "Boris", "--role", "reader", password="short")[0] == 1
    assert user("add", "Әсел", "--role", "reader")[0] == 1
    assert user("add", " x", "--role", "reader")[0] == 1
    assert user("list") == (0, "Әсел\teditor\n")
    assert user("list", "--json") == (0, '{"name": "Әсел", "role": "editor"}\n')
    kept = (tmp_path / passwords.FILE).read_text(encoding="utf-8")
    assert "$argon2id$" in kept and PASSWORD not in kept
    assert stat.S_IMODE((tmp_path / passwords.FILE).stat().st_mode) == 0o600
    assert user("password", "Әсел", password=PASSWORD + "?")[0] == 0
    assert People(tmp_path).check("Әсел", PASSWORD) is None
    assert People(tmp_path).check("Әсел", PASSWORD + "?") is not None
    assert user("remove", "nobody")[0] == 1
    assert user("remove", "Әсел")[0] == 0
    assert user("list") == (0, "")


def test_the_link_is_printed_again_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text('[desk]\nlisten = "127.0.0.1:8501"\nlogin = "password"\n')

    assert main(["desk", "link", "--home", str(tmp_path)]) == 0
    token = keys.token(tmp_path)
    assert capsys.readouterr().out == f"http://127.0.0.1:8460/enter?token={token}\n"
    assert main(["desk", "link", "--home", str(tmp_path), "--config", str(tmp_path / "c.toml")]) == 1
    assert "by password" in capsys.readouterr().err
