"""The English grammar, narrowed to what people say.

A grammar for recognising speech accepts much that nobody says ("are the any lights on"). Templates
and rules are rewritten here before they are walked.
"""

from __future__ import annotations

import re

RULES = {
    "the": "(the|the|the|my)",
    "is": "is",
    "are": "are",
    "are_any": "are <any>",
    "are_all": "are <all>",
    "in": "in",
    "here": "(in here|in this room)",
    "all": "(all the|all the|all of the)",
    "any": "(any|any of the)",
    "everywhere": "(everywhere|in the whole house|all over the house)",
    "which": "(which|which of the)",
    "turn": "(turn|turn|switch)",
    "open": "open",
    "close": "(close|shut)",
    "set": "(set|change)",
    "numeric_value_set": "(set|set|change)",
    "light": "(lights|lights|lamps)",
    "lockable": "(locks|doors|windows|gates)",
    "media": "(music|movie|show|song)",
    "track": "(song|track)",
    "what_is": "(what's|what is|tell me)",
    "where_is": "(where's|where is)",
    "how_is": "(how's|how is)",
}
"""Narrower forms of the grammar's expansion rules."""

PROPER = ("person", "scene", "script")
"""Kinds of device whose names take no article."""

_SKIPPED = re.compile(
    r"""^\(\[<the>\]            # 'volume up the kitchen'
    | ^\[<the>\]\ \{name\}$     # a bare name
    | ^<light>\ on\ \[          # 'lights on the kitchen'
    | scene.*\{(area|floor)\}
    """,
    re.VERBOSE,
)

_UNSAID = ("name_area_scene",)

_REWRITES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\{floor\} \[floor\]", "{floor}"),
        (r"(?:<in>|\[<in>\]|\[in\]|\((?:in|on|of)\|on\)) \[<the>\] \{floor\}", "on the {floor}"),
        (r"<light> \{floor\}$", "<light> on the {floor}"),
        (r"\[it <in>\] \[<the>\] \{area\}", "it in the {area}"),
        (r"(?:<in>|\[<in>\]|\[in\]|\(in\|on\)) \[<the>\] \{area\}", "in the {area}"),
        (r"\[<in>\] \[<the>\] \{zone", "at {zone"),
        (r"\[<all>\] \[<the>\]", "(<all>|<the>)"),
        (r"(?<!\|<the>\) )\[<the>\] \{(area|floor)\}(?: \[<the>\])?", r"the {\1}"),
        (r"\{name\} (?:<light>|\[mower\])", "{name}"),
        (r"^\{name\} on$", "<turn> on {name}"),
        (r"^\[activate\]", "activate"),
        (r"^\[\(activate.*", "(activate|run|start) {name} [script]"),
        (r"\[a\|an\|the\|my\]", "(a|my)"),
        (r"replay \[(the [^]]*)\]", r"replay \1"),
        (r"\ba\[n\]|\(a\|an\)|\[\(a\|an\)\]", "a"),
        (r"and \[a\] (\{timer_half:\w+\}) (hour|minute)\[s\]", r"and a \1 \2s"),
        (r"(\{timer_half:\w+\} .*)(hour|minute)\[s\]", r"\1\2"),
        (r"\( \|-\)(hour|minute|second)\[s\] timer", r" \1 timer"),
        (r"\( \|-\)(hour|minute|second)\[s\]", r" \1s"),
        (r"\[(the\|my|my\|the)\]", r"(\1)"),
        (r"\[the \[current\] \(state\|value\) of\]", "the (current |)state of"),
        (r"\[(<numeric_value_set>|<set>|<turn>|the|by|of|is|how much)\]", r"\1"),
        (r"\[to\] (on|off)\b", r"\1"),
        (r"\[to\]", "to"),
        (r"\b(fan|switch|timer|show)\[(e?s)\]", lambda found: _plural(found[1], found[2])),
        (r"\[\(\[ \]%\)\| percent\]|\[%\| percent\]", "(%| percent)"),
        (r"\[\(\[ \]°\)\|\( degree\[s\]\)\]", "( degrees|)"),
        (r"\[\[ \]\(k\|kelvin\)\]", " kelvin"),
        (r"^(<which>|<how_many>)(.*)<is>", r"\1\2are"),
        (r"^\{volume_step\}", "{volume_change:volume_step}"),
        (r"\(for\|in\|at\) \[<the>\] \{name\}", "(for|in) {name}"),
        (r"\[<the>\] \{name\} weather", "the {name} weather"),
        (r"\{name\} \[list\]", "{name} list"),
        (
            r"^\((?:check|complete)[^)]*\) \(off;(\{\w+:item\})\) \(from\|on\|in\)",
            r"check off \1 on",
        ),
        (
            r"^\(check\|complete\|delete\|remove\) (\{\w+:item\}) \(off\|from\|on\|in\)",
            r"(check \1 off|remove \1 from|delete \1 from)",
        ),
        (r"^\(check\|complete\) (\{\w+:item\}) \(off\|from\|on\|in\)", r"check \1 off"),
        (r"\(off\|from\|on\|in\)", "from"),
        (r"\(on\|in\) (\((?:my|the)\|)", r"on \1"),
        (r"\[<the>\] \{name\}", "<the> {name}"),
    )
)


def is_said(template: str, combination: str) -> bool:
    """Say whether a template, of a block with this combination of slots, is worth walking."""
    return combination not in _UNSAID and not _SKIPPED.search(template)


def rewritten(template: str, device: str) -> str:
    """Return a template in the words people use for this kind of device."""
    if device in PROPER:
        template = template.replace("[<the>] {name}", "{name}")
    for pattern, replacement in _REWRITES:
        template = pattern.sub(replacement, template)
    return template


def _plural(word: str, ending: str) -> str:
    return word if word in ("timer", "show") else word + ending
