"""What pyproject.toml says that the package and some of its extras need, a requirement a line.

python tools/requirements.py test
"""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def main() -> None:
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    print(
        *project["dependencies"],
        *(line for name in sys.argv[1:] for line in extras[name]),
        sep="\n",
    )


if __name__ == "__main__":
    main()
