"""The texts that users read, in English and Korean: of the reports and of the terminal.

Code says everything in English. The reports have their texts by name in both languages, and show the one that the
reader selects. The terminal shows one language: `translate` returns the Korean for a text of the code, and `localized`
that for a finished message, such as a note of a run or an error. What has no Korean is shown in English.
"""

from striate.language.choice import Language, choose_language, current_language, preferred_language, use_language
from striate.language.translation import keep_words_whole, localized, localized_setting, translate

__all__ = [
    "Language",
    "choose_language",
    "current_language",
    "keep_words_whole",
    "localized",
    "localized_setting",
    "preferred_language",
    "translate",
    "use_language",
]
