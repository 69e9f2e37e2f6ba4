"""ES modules as one script: what is imported under another name, later, or cannot be joined."""

import pytest
from browser import WatchedPage

from striate.errors import UsageError
from striate.web.inline import bundle, module_variable

MODULES = {
    "page/main.js": 'import { add as sum } from "./math.js";\nimport { base, late } from "../lib/a.js";\n'
    "export const found = sum(base, late);\n",
    "page/math.js": 'import { late } from "../lib/a.js";\nexport function add(a, b) { return a + b + late; }\n',
    "lib/a.js": "const own = 1;\nconst late = await Promise.resolve(20);export{own as base,late};\n",
}


def test_modules_become_one_script(watched_page: WatchedPage) -> None:
    script = bundle("page/main.js", MODULES.__getitem__, is_module=True)
    with watched_page() as page:
        found = page.evaluate(f"async () => {{ {script}\nreturn {module_variable('page/main.js')}; }}")
    assert found == {"found": 41}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('import { add } from "./math.js";', r"import each other: page/math.js → page/math.js"),
        ('import "./math.js";', "cannot contain: import"),
        ("export default 1;", "cannot contain: export default 1"),
        ('const end = "</script>";', "cannot contain: </script"),
    ],
)
def test_what_cannot_be_joined_is_refused(code: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bundle("page/math.js", {"page/math.js": code}.__getitem__, is_module=False)
