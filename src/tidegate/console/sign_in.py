"""Signing in and out, and what a browser prefers."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from tidegate.console import links
from tidegate.console.page import PREFIX, Page, set_cookie
from tidegate.console.sessions import LIFETIME, Session, Sessions
from tidegate.console.surroundings import Surroundings
from tidegate.console.throttle import Throttle
from tidegate.errors import CloudError
from tidegate.services.ram.logins import Outcome

_YEAR = 365 * 86400


class SignIn:
    """By the one-time link that ``tidegate up`` prints, or by the password or access key of a RAM user."""

    def __init__(self, sessions: Sessions, around: Surroundings) -> None:
        self._sessions = sessions
        self._around = around
        self._throttle = Throttle()

    async def show(self, page: Page) -> Response:
        """Show the form; a link's token is sent on by a form too, so looking at a link does not use it up."""
        if page.session.principal is not None and "token" not in page.query:
            return page.go(page.to("overview"))
        answer = page.render("sign_in.html", token=page.query.get("token", ""), wrong="")
        self._keep(page, answer, page.session)
        return answer

    async def enter(self, page: Page) -> Response:
        """Open a session, or say what was wrong."""
        form = await page.form()
        client = page.request.client
        address = client.host if client else ""
        if not self._throttle.admits(address, self._around.wall.now()):
            return self._refuse(page, page.say("Too many attempts. Wait a minute."), 429)
        if token := form.get("token"):
            spent = links.spend(self._around.folder, token, self._around.wall.now())
            session = await self._sessions.of_account() if spent else None
            wrong = page.say("This link was used before or is out of date. Print a new one with `tidegate console`.")
        elif name := form.get("user").strip():
            outcome, session = await self._sessions.by_password(name, form.get("password"))
            wrong = _why_not(page, outcome)
        else:
            session = await self._sessions.by_key(form.get("key").strip(), form.get("secret").strip())
            wrong = page.say("This access key and secret do not belong together, or the key is not active.")
        if session is None:
            return self._refuse(page, wrong, 403)
        self._throttle.forgive(address)
        answer = RedirectResponse(page.to("password" if session.reset else "overview"), 303)
        self._keep(page, answer, session)
        return answer

    async def password(self, page: Page) -> Response:
        """Show the form with which a RAM user changes its password."""
        return page.render("password.html", wrong=None)

    async def change_password(self, page: Page) -> Response:
        """Change the password of who is signed in; whoever has the right one may, as on the cloud's own page."""
        form, principal = await page.form(), page.session.principal
        assert principal is not None
        if form.get("new") != form.get("again"):
            differs = CloudError("InvalidParameter", page.say("The new password was not written the same twice."))
            return page.render("password.html", differs.status, wrong=differs)
        try:
            changed = await self._around.authority.logins.change(principal, form.get("old"), form.get("new"))
        except CloudError as error:
            return page.render("password.html", error.status, wrong=error)
        answer = page.go(page.to("overview"), said="The password was changed.")
        self._sessions.end(page.session)
        self._keep(
            page, answer, self._sessions.begin(principal, page.session.key, None if page.session.key else changed)
        )
        return answer

    async def leave(self, page: Page) -> Response:
        """End the session."""
        self._sessions.end(page.session)
        answer = RedirectResponse(f"{PREFIX}/sign-in", 303)
        self._keep(page, answer, self._sessions.begin())
        return answer

    def _refuse(self, page: Page, wrong: str, status: int) -> Response:
        return page.render("sign_in.html", status, token="", wrong=wrong)

    def _keep(self, page: Page, answer: Response, session: Session) -> None:
        seconds = int(LIFETIME.total_seconds())
        set_cookie(page.request, answer, "session", self._sessions.seal(session), seconds=seconds)


def _why_not(page: Page, outcome: Outcome) -> str:
    match outcome:
        case "locked":
            return page.say("Too many wrong passwords. The user may try again in an hour.")
        case "expired":
            return page.say("The password has expired. Somebody who manages users must set a new one.")
        case _:
            return page.say("This user name and password do not belong together, or the user may not sign in here.")


async def prefer(page: Page) -> Response:
    """Remember the language or the theme, and go back to where the form was."""
    form = await page.form()
    answer = RedirectResponse(safe(form.get("next")), 303)
    for name, allowed in (("language", ("en", "zh")), ("theme", ("light", "dark", "auto"))):
        if (value := form.get(name)) in allowed:
            set_cookie(page.request, answer, name, value, seconds=_YEAR)
    return answer


def safe(address: str) -> str:
    """Return an address of the console; anything else becomes the overview."""
    inside = address.startswith(f"{PREFIX}/") and "\\" not in address and all(" " < each < "\x7f" for each in address)
    return address if inside else f"{PREFIX}/overview"
