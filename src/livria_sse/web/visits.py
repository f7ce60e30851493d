"""What a visitor of the pages does beside reading: sign up, in and out, and choose a language."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from livria_sse.errors import InvalidInput, TooManyRequests, UsernameTaken, WrongCredentials
from livria_sse.inputs import Credentials, NewAccount, validated
from livria_sse.web.body import read_form
from livria_sse.web.credentials import forget, remember, visitor_of
from livria_sse.web.problems import headers_of, status_of
from livria_sse.web.resource import resource
from livria_sse.web.state import Request
from livria_sse.web.templating import LANGUAGE_COOKIE, render
from livria_sse.web.words import LANGUAGES
from livria_sse.web.writers import count_sign_in, count_sign_out, count_sign_up

YEAR_SECONDS = 365 * 24 * 3600


async def sign_up_page(request: Request) -> Response:
    """The form to sign up."""
    return await _form(request, "sign_up", request.query_params)


async def sign_in_page(request: Request) -> Response:
    """The form to sign in."""
    return await _form(request, "sign_in", request.query_params)


async def sign_up(request: Request) -> Response:
    """Adds an account, signs it in, and goes back to where the visitor came from."""
    form = await read_form(request)
    auth = request.state["auth"]
    try:
        chosen = validated(NewAccount, form)
        count_sign_up(request)
        account = await auth.sign_up(chosen.username, chosen.password)
    except InvalidInput as error:
        failed = "username_invalid" if "username" in error.errors else "password_invalid"
        return await _form(request, "sign_up", form, failed=failed, status=422)
    except UsernameTaken:
        return await _form(request, "sign_up", form, failed="username_taken", status=409)
    except TooManyRequests as error:
        return await _refused(request, "sign_up", form, error)
    response = _back(form)
    remember(request, response, await auth.open_session(account))
    return response


async def sign_in(request: Request) -> Response:
    """Opens a session and goes back to where the visitor came from."""
    form = await read_form(request)
    try:
        given = validated(Credentials, form)
        count_sign_in(request, given.username)
        signed_in = await request.state["auth"].sign_in(given.username, given.password)
    except (InvalidInput, WrongCredentials):
        return await _form(request, "sign_in", form, failed="wrong_credentials", status=401)
    except TooManyRequests as error:
        return await _refused(request, "sign_in", form, error)
    response = _back(form)
    remember(request, response, signed_in)
    return response


async def sign_out(request: Request) -> Response:
    """Ends the session."""
    response = _back(await read_form(request))
    count_sign_out(request)
    await forget(request, response)
    return response


async def choose_language(request: Request) -> Response:
    """Keeps the chosen language in the browser."""
    form = await read_form(request)
    response = _back(form)
    if form.get("language") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, form["language"], max_age=YEAR_SECONDS, httponly=True, samesite="lax"
        )
    return response


async def _refused(
    request: Request, action: str, form: Mapping[str, str], error: TooManyRequests
) -> Response:
    page = await _form(request, action, form, failed="too_many", status=status_of(error))
    page.headers.update(headers_of(error))
    return page


async def _form(
    request: Request,
    action: str,
    form: Mapping[str, str],
    *,
    failed: str | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "sign.html",
        visitor=await visitor_of(request),
        status=status,
        action=action,
        failed=failed,
        username=form.get("username", ""),
        here=_safe(form.get("next")),
    )


def _back(form: Mapping[str, str]) -> Response:
    return RedirectResponse(_safe(form.get("next")), 303)


def _safe(address: str | None) -> str:
    # Only a path on this site: `//host` and `/\host` lead elsewhere (WHATWG URL, "path state").
    if address and address.startswith("/") and not address.startswith(("//", "/\\")):
        return address if address.isprintable() else "/"
    return "/"


ROUTES = [
    resource("/sign-up/", GET=sign_up_page, POST=sign_up),
    resource("/sign-in/", GET=sign_in_page, POST=sign_in),
    resource("/sign-out/", POST=sign_out),
    resource("/language/", POST=choose_language),
]
