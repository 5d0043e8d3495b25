"""The one palette: every color of pictures, reports and pages has its name here.

Hues are those of Okabe & Ito, told apart by color-blind readers, and a few beside them; a gate or
state has one color everywhere, and nothing else has it. Style sheets hold the same values, and
tests compare them.
"""

BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
ORANGE, PINK = "#D55E00", "#CC79A7"
PURPLE, OLIVE = "#6A51A3", "#7A8B00"
TEAL, BROWN = "#01665E", "#8C510A"
BLACK, INK, GRAY, SILVER, WHITE = "#000000", "#222222", "#4D4D4D", "#999999", "#FFFFFF"
GRID, MARGIN = "#E6E6E6", "#F2F2F2"  # lines and areas behind what is shown
BLUES = ("#9DC3E6", SKY, "#2E8BC0", BLUE, "#003A70")  # from light to dark
NEGATIVE, POSITIVE = TEAL, BROWN  # of signed values: no gate has them

COLORS = {
    "forget": BLUE,
    "input": GREEN,
    "candidate": YELLOW,
    "output": PINK,
    "cell": ORANGE,
    "hidden": SKY,
    "reset": PURPLE,
    "update": OLIVE,
    "series": GRAY,
}
DARK = {  # the same hues, lighter: readable on a dark ground
    "forget": "#4AA3DF",
    "input": "#2FC79A",
    "candidate": "#F0B43C",
    "output": "#E39AC2",
    "cell": "#F08034",
    "hidden": "#7CC8F2",
    "reset": "#A99BE0",
    "update": "#B7C437",
    "series": "#C3C8CD",
}


def rgb(color: str) -> tuple[int, int, int]:
    """
    >>> rgb("#D55E00")
    (213, 94, 0)
    """
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
