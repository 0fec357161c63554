"""The texts of other languages: each has a code that English has, and fills the same places."""

import re

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils.translation import override

from accounts.texts import text

ENGLISH = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "a.b"\nmsgstr "of {place}"\n'


@pytest.mark.parametrize(
    ("korean", "fault"),
    [
        (ENGLISH.replace("of {place}", "{place}의"), None),
        (ENGLISH.replace("a.b", "a.c"), "is no code"),
        (ENGLISH.replace("{place}", "{there}"), "does not fill"),
        (ENGLISH.replace("of {place}", ""), "does not fill"),
    ],
)
def test_a_language_has_no_code_and_no_place_of_its_own(tmp_path, settings, korean, fault):
    settings.LOCALE_PATHS = [tmp_path]
    for language, content in (("en", ENGLISH), ("ko", korean)):
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "django.po").write_text(content, encoding="utf-8")
    if fault is None:
        call_command("compile_texts", verbosity=0)
        call_command("compile_texts", "--check", verbosity=0)
        return
    with pytest.raises(CommandError, match=fault):
        call_command("compile_texts", "--check")


# What a holder's pages show, by how their codes begin.
OF_HOLDERS = (
    "jurisdiction.", "account-type.", "unit-type.", "transaction-type.", "mode.", "certificate.", "movement.", "standing.",
    "transaction-state.", "transaction-step.", "compliance-status.", "warning.", "account-status.", "rights.", "approval.",
    "trusted-account-state.", "check.5005", "check.5009",
)  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "ja", "ko"])
def test_what_a_holders_pages_show_is_told_in_every_language(language):
    english = (settings.BASE_DIR / "locale/en/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    shown = [code for code in re.findall(r'^msgid "([^"]+)"$', english, re.MULTILINE) if code.startswith(OF_HOLDERS)]
    assert len(shown) > 100
    folder = {"zh-hans": "zh_Hans"}.get(language, language)
    told = (settings.BASE_DIR / f"locale/{folder}/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    missing = [code for code in shown if f'msgid "{code}"\n' not in told]
    assert missing == []
    with override(language):
        assert text("check.5009.failed", serials="S", vintage=2026) != text("check.5009.failed")
        assert not text("movement.carry_over").isascii()
