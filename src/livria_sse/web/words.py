"""The words of the pages, in Korean and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

Language = Literal["ko", "en"]
Words = Mapping[str, str]

LANGUAGES: Mapping[Language, str] = {"ko": "한국어", "en": "English"}

KOREAN: Words = {
    "site": "리브리아",
    "tagline": "책을 읽고, 함께 이야기해요.",
    "no_books": "아직 책이 없습니다.",
    "more_books": "책 더 보기",
    "first_books": "처음으로",
    "to_books": "책 보러 가기",
    "count_one": "댓글 {n}개",
    "count_other": "댓글 {n}개",
    "new_one": "새 댓글 {n}개",
    "new_other": "새 댓글 {n}개",
    "reading_one": "{n}명이 읽는 중",
    "reading_other": "{n}명이 읽는 중",
    "no_reviews": "아직 댓글이 없습니다. 첫 댓글을 남겨 주세요.",
    "older": "이전 댓글 더 보기",
    "newest": "최신 댓글 보기",
    "placeholder": "댓글을 작성해주세요",
    "write": "작성",
    "edit": "수정",
    "edited": "수정됨",
    "draft": "임시 저장됨",
    "revised": "그사이 댓글이 위와 같이 바뀌었습니다. 저장하면 아래 글로 바뀝니다.",
    "sending": "보내는 중",
    "posted": "댓글을 작성했습니다.",
    "saved": "댓글을 수정했습니다.",
    "deleted": "댓글을 삭제했습니다.",
    "undo": "되돌리기",
    "undone": "삭제를 취소했습니다.",
    "save": "저장",
    "cancel": "취소",
    "delete": "삭제",
    "delete_question": "정말 삭제하시겠습니까?",
    "create_failed": "댓글 작성에 실패했습니다.",
    "update_failed": "댓글 수정에 실패했습니다.",
    "delete_failed": "댓글 삭제에 실패했습니다.",
    "unreachable": "서버에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.",
    "sign_in_to_write": "댓글을 작성하려면 로그인해 주세요.",
    "sign_up": "회원가입",
    "sign_in": "로그인",
    "sign_out": "로그아웃",
    "username": "사용자 이름",
    "username_hint": "글자, 숫자, . @ + - _ 로 30자까지",
    "password": "비밀번호",
    "password_hint": "8자 이상",
    "wrong_credentials": "사용자 이름이나 비밀번호가 올바르지 않습니다.",
    "username_taken": "이미 사용 중인 이름입니다.",
    "username_invalid": "이 사용자 이름은 쓸 수 없습니다.",
    "password_invalid": "비밀번호는 8자에서 200자까지입니다.",
    "too_many": "시도가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
    "no_account": "계정이 없으신가요?",
    "have_account": "이미 계정이 있으신가요?",
    "connecting": "연결 중",
    "live": "실시간",
    "reconnecting": "다시 연결 중",
    "polling": "몇 초마다 새로 고침",
    "offline": "오프라인",
    "unknown": "없는 책",
    "not_found": "찾으시는 페이지가 없습니다.",
    "failed": "요청을 처리하지 못했습니다.",
    "language": "언어",
    "cover_of": "{title} 표지",
    "just_now": "방금",
    "minutes": "{n}분 전",
    "hours": "{n}시간 전",
    "days": "{n}일 전",
}

ENGLISH: Words = {
    "site": "Livria",
    "tagline": "Read books, and talk about them.",
    "no_books": "There are no books yet.",
    "more_books": "More books",
    "first_books": "Back to the first",
    "to_books": "Back to the books",
    "count_one": "{n} review",
    "count_other": "{n} reviews",
    "new_one": "{n} new review",
    "new_other": "{n} new reviews",
    "reading_one": "{n} reading now",
    "reading_other": "{n} reading now",
    "no_reviews": "No reviews yet. Write the first one.",
    "older": "Older reviews",
    "newest": "Newest reviews",
    "placeholder": "Write a review",
    "write": "Post",
    "edit": "Edit",
    "edited": "edited",
    "draft": "draft kept",
    "revised": "Meanwhile the review was changed, as above. What you save below replaces that.",
    "sending": "sending",
    "posted": "Your review is posted.",
    "saved": "The review is changed.",
    "deleted": "The review is deleted.",
    "undo": "Undo",
    "undone": "The review is back.",
    "save": "Save",
    "cancel": "Cancel",
    "delete": "Delete",
    "delete_question": "Do you really want to delete this?",
    "create_failed": "Your review could not be posted.",
    "update_failed": "Your review could not be changed.",
    "delete_failed": "The review could not be deleted.",
    "unreachable": "The server cannot be reached. Try again later.",
    "sign_in_to_write": "Sign in to write a review.",
    "sign_up": "Sign up",
    "sign_in": "Sign in",
    "sign_out": "Sign out",
    "username": "Username",
    "username_hint": "Up to 30 letters, digits and . @ + - _",
    "password": "Password",
    "password_hint": "At least 8 characters",
    "wrong_credentials": "The username or the password is wrong.",
    "username_taken": "This username is taken.",
    "username_invalid": "This username cannot be used.",
    "password_invalid": "A password has 8 to 200 characters.",
    "too_many": "Too many attempts. Try again later.",
    "no_account": "No account yet?",
    "have_account": "Do you have an account?",
    "connecting": "connecting",
    "live": "live",
    "reconnecting": "reconnecting",
    "polling": "updated every few seconds",
    "offline": "offline",
    "unknown": "no such book",
    "not_found": "There is no such page.",
    "failed": "That did not work.",
    "language": "Language",
    "cover_of": "Cover of {title}",
    "just_now": "just now",
    "minutes": "{n} min ago",
    "hours": "{n} h ago",
    "days": "{n} d ago",
}

WORDS: Mapping[Language, Words] = {"ko": KOREAN, "en": ENGLISH}

#: The API gives its reasons in English; here is what pages say instead, whatever is named in them.
REASONS: Mapping[Language, Words] = {
    "en": {},
    "ko": {
        "Write something.": "내용을 입력해 주세요.",
        "Use at most 5,000 characters.": "5,000자까지 쓸 수 있습니다.",
        "The character U+… is not allowed.": "쓸 수 없는 문자가 있습니다.",
        "The body is too large.": "내용이 너무 깁니다.",
        "Use at most … bytes.": "내용이 너무 깁니다.",
        "Sign in first.": "먼저 로그인해 주세요.",
        "The token is not valid, or no longer.": "다시 로그인해 주세요.",
        "Only the author or the staff may change this review.": "작성자만 바꿀 수 있습니다.",
        "Only the staff may hide and restore reviews.": "운영자만 숨기고 되돌릴 수 있습니다.",
        "There is no such review.": "없는 댓글입니다.",
        "There is no such book.": "없는 책입니다.",
        "The database does not answer at present.": "잠시 후 다시 시도해 주세요.",
        "That was too much in a short time. Try again later.": (
            "짧은 시간에 너무 많이 보냈습니다. 잠시 후 다시 시도해 주세요."
        ),
        "You have just posted the same text here.": "방금 같은 내용을 작성했습니다.",
        "This Idempotency-Key was used for another review.": (
            "이미 다른 댓글을 보낸 요청입니다. 다시 작성해 주세요."
        ),
        "The request comes from another site.": "다른 사이트에서 보낸 요청입니다.",
        "The body was cut off.": "내용이 다 전송되지 않았습니다. 다시 시도해 주세요.",
        "The form is not valid.": "보낸 내용을 읽을 수 없습니다.",
        "Some fields are not acceptable.": "쓸 수 없는 내용이 있습니다.",
    },
}


_VARYING = re.compile(r"(?<=U\+)[0-9A-F]+|\d+(?= bytes)")


def reason_in(language: Language, reason: str) -> str:
    """A reason of the API in a language; nothing if there are no words for it."""
    known = _VARYING.sub("…", reason)
    return REASONS[language].get(known, reason if language == "en" else "")


#: What a browser says of its languages is much shorter.
LONGEST_ACCEPTED = 500


def preferred_language(accepted: str) -> Language:
    """The language that an `Accept-Language` header prefers of ours (RFC 9110, section 12.5.4)."""
    best: Language = "en"
    best_weight = 0.0
    for part in accepted[:LONGEST_ACCEPTED].split(","):
        tag, _, parameters = part.partition(";")
        weight = _weight(parameters)
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language and weight > best_weight:
                best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0


def how_long_ago(moment: datetime, now: datetime, words: Words) -> str:
    """An instant in the past as people say it; after a month, as a date."""
    age = now - moment
    if age < timedelta(minutes=1):
        return words["just_now"]
    if age < timedelta(hours=1):
        return words["minutes"].format(n=age // timedelta(minutes=1))
    if age < timedelta(days=1):
        return words["hours"].format(n=age // timedelta(hours=1))
    if age < timedelta(days=30):
        return words["days"].format(n=age.days)
    return moment.date().isoformat()


def count(number: int, words: Words) -> str:
    """So many reviews."""
    return words["count_one" if number == 1 else "count_other"].format(n=number)
