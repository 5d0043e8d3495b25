"""Draw a page's pictures anew, by its own Python, into docs/images.

Run ``python docs/pictures.py seeing-inside``.
"""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent


def main(name: str) -> None:
    code = re.findall(r"^```python\n(.*?)^```", (DOCS / f"{name}.md").read_text(), re.M | re.S)
    (DOCS / "images").mkdir(exist_ok=True)
    os.chdir(DOCS / "images")
    before = set(Path().iterdir())
    exec("\n".join(code), {"__name__": "__main__"})
    for path in set(Path().iterdir()) - before:
        if path.suffix != ".png":  # what else the page writes is no picture
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
