"""What Telegram's HTML shows, and what it refuses."""

import pytest

from tests.bot_api.conftest import ADA, Asking
from tests.bot_api.errors import ApiError, Json
from tests.bot_api.markup import Formatted, parse_html


def entities(html: str) -> list[tuple[str, int, int]]:
    return [(it["type"], it["offset"], it["length"]) for it in parse_html(html).entities]


def only_entity(html: str) -> Json:
    (entity,) = parse_html(html).entities
    return entity


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("b", "bold"),
        ("strong", "bold"),
        ("i", "italic"),
        ("em", "italic"),
        ("u", "underline"),
        ("ins", "underline"),
        ("s", "strikethrough"),
        ("strike", "strikethrough"),
        ("del", "strikethrough"),
        ("tg-spoiler", "spoiler"),
        ("code", "code"),
        ("pre", "pre"),
        ("blockquote", "blockquote"),
        ("B", "bold"),
    ],
)
def test_a_tag_dresses_its_text(tag: str, kind: str) -> None:
    assert entities(f"a<{tag}>bc</{tag}>d") == [(kind, 1, 2)]
    assert parse_html(f"a<{tag}>bc</{tag}>d").text == "abcd"


def test_tags_with_attributes() -> None:
    assert only_entity('<span class="tg-spoiler">x</span>')["type"] == "spoiler"
    assert only_entity("<blockquote expandable>x</blockquote>")["type"] == "expandable_blockquote"
    assert only_entity("<a href='https://a.b/?c=1&amp;d'>x</a>")["url"] == "https://a.b/?c=1&d"
    assert only_entity("<a>https://a.b</a>")["url"] == "https://a.b"
    assert only_entity('<tg-emoji emoji-id="53">x</tg-emoji>')["custom_emoji_id"] == "53"


def test_a_link_to_nowhere_is_plain_text() -> None:
    assert parse_html("<a href='nowhere'>x</a>") == Formatted("x")


def test_code_that_fills_a_pre_names_its_language() -> None:
    whole = '<pre><code class="language-sql">x</code></pre>'
    assert only_entity(whole) == {"type": "pre", "offset": 0, "length": 1, "language": "sql"}
    assert "language" not in only_entity('<code class="language-sql">x</code>')
    part = '<pre>y<code class="language-sql">x</code></pre>'
    assert [it["type"] for it in parse_html(part).entities] == ["pre", "code"]


def test_nested_tags_are_ordered_from_the_outside() -> None:
    assert entities("<i>a<b>b</b></i>") == [("italic", 0, 2), ("bold", 1, 1)]
    assert entities("<b></b>a") == []
    assert entities("<b>a</>") == [("bold", 0, 1)]


def test_entities_stand_for_characters() -> None:
    assert parse_html("&lt;&gt;&amp;&quot;&#39;&#x27;&#128512;").text == "<>&\"''\U0001f600"


def test_an_emoji_counts_twice() -> None:
    assert entities("\U0001f600<b>b</b>") == [("bold", 2, 1)]
    assert len(parse_html("&#128512;")) == 2


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("é<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 2'),
        ("a < b > c", 'Unsupported start tag "" at byte offset 2'),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<h1", "Unclosed start tag at byte offset 0"),
        ("<b ", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        (
            "<b><i>x</b></i>",
            'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
        ),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        (
            '<a href=":">x</a',
            "Unclosed end tag at byte offset 13",
        ),
        (
            "<a href=@>x</a>",
            'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0',
        ),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
        ("a & b", "Unsupported entity at byte offset 2"),
        ("a&nbsp;b", "Unsupported entity at byte offset 1"),
        ("&lt", "Unsupported entity at byte offset 0"),
        ("&#0;", "Unsupported entity at byte offset 0"),
        ("&#xd800;", "Unsupported entity at byte offset 0"),
    ],
)
def test_what_is_no_html_of_telegram_is_refused(html: str, why: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_html(html)
    assert refused.value.description == f"Bad Request: can't parse entities: {why}"


def test_white_space_around_is_lost() -> None:
    content = parse_html(" \n<b> a</b> <i>b</i><u>\n</u> ").trimmed()
    assert content.text == "a b"
    shown = [(it["type"], it["offset"], it["length"]) for it in content.entities]
    assert shown == [("bold", 0, 1), ("italic", 2, 1)]


def test_html_is_parsed_only_if_asked_for(ask: Asking) -> None:
    ask.says("<b>&nbsp;")
    assert ask.telegram.chat(ADA).texts == ["<b>&nbsp;"]
    refusal = ask.refusal("sendMessage", chat_id=ADA, text="<b>", parse_mode="html")
    assert refusal[1].startswith("Bad Request: can't parse entities")
