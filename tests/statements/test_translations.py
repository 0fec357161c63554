"""The texts of other languages: each has a code that English has, and fills the same places."""

import pytest
from django.core.management import CommandError, call_command

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
