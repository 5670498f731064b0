"""The end of a message about an unknown name: which names there are, which one is nearest."""

from collections.abc import Iterable
from typing import Final

_LISTED: Final = 12  # names; a longer list hides the message


def nearest(name: str, choices: Iterable[str], *, is_whole: bool = False) -> str:
    """` (have: orders, resize). Did you mean "orders"?` to put behind what is wrong.

    is_whole: names all of the choices, however many, as for those that are ours.
    """
    import difflib  # only a message about an error needs it

    have = list(dict.fromkeys(choices))
    by_lower = {choice.lower(): choice for choice in have}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    meant = f' Did you mean "{by_lower[near[0]]}"?' if near else ""
    if len(have) > _LISTED and not is_whole:
        have = [*have[:_LISTED], "…"]
    return f" (have: {', '.join(have) or 'none'}).{meant}"
